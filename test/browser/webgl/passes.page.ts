/** The fused passes on webgl: how many programs they run and compile, the textures that they read, and their digits. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkAxis } from '../../../src/checks.js';
import { PASS_SUMS, sumSet } from '../../../src/kernels/contract.js';
import { composedKernels } from '../../../src/kernels/composed/kernels.js';
import { currentKernels } from '../../../src/kernels/select.js';
import { layoutOf } from '../../../src/kernels/layout.js';
import {
  attributesOf,
  expectedSums,
  inputsOf,
  makeProblem,
  someNumbers,
  totalOfSums,
  type Problem,
  type ProblemOf,
} from '../../contract/problems.js';
import { expectClose } from '../../support/compare.js';
import { backend, fused, fusedInputsOf, passOf, programsOf, tensorOf } from './onBackend.js';

function problemOf(pixels: number, classes: number, more: Partial<ProblemOf> = {}): Problem {
  const attributes = attributesOf(classes === 1 ? 'sigmoid' : 'softmax', classes);
  return makeProblem({
    samples: 1,
    pixels,
    classes,
    labelKind: 'float32',
    weights: 'weights',
    place: 'last',
    attributes,
    ...more,
  });
}

describe('programs', () => {
  test.each([
    [1, 256, { sums: 2, gradient: 1, labels: 1, map: 1, mapGradient: 1 }],
    [2, 4096, { sums: 2, gradient: 1, labels: 1, map: 1, mapGradient: 1 }],
    [4, 256, { sums: 3, gradient: 2, labels: 2, map: 1, mapGradient: 2 }],
    [4, 4096, { sums: 3, gradient: 2, labels: 2, map: 1, mapGradient: 2 }],
  ])('%i classes, %i pixels', (classes, pixels, expected) => {
    const problem = problemOf(pixels, classes);
    const [pass, inputs, passes] = [passOf(problem), fusedInputsOf(problem), fused()];
    const coefficients = someNumbers(classes, 1);
    const dy = tf.tensor3d(someNumbers(9 * classes, 2), [9, 1, classes]);
    const dyMap = tf.tensor2d(someNumbers(pixels, 3), [1, pixels]);
    expect({
      sums: programsOf(() => passes.sums(inputs, pass, PASS_SUMS)),
      gradient: programsOf(() => passes.sumsGradient(inputs, pass, PASS_SUMS, dy, 'predictions')),
      labels: programsOf(() => passes.sumsGradient(inputs, pass, PASS_SUMS, dy, 'labels')),
      map: programsOf(() => passes.entropyMap(inputs, pass, coefficients)),
      mapGradient: programsOf(() => passes.entropyMapGradient(inputs, pass, coefficients, dyMap, 'predictions')),
    }).toEqual(expected);
  });

  test.each([2, 4])('images of other sizes compile none, with %i classes', (classes) => {
    const attributes = attributesOf('softmax', classes);
    const step = (height: number, width: number) => {
      const shape = [2, height, width, classes];
      const inputs = {
        labels: tf.randomUniform([2, height, width], 0, classes, 'int32'),
        labelKind: 'indices',
        predictions: tf.randomNormal(shape),
        weights: null,
        layout: layoutOf(shape, checkAxis(3, shape, 'axis', 1)),
      } as const;
      const f = (z: tf.Tensor) => currentKernels().sums({ ...inputs, predictions: z }, attributes, PASS_SUMS);
      const { value, grad } = tf.valueAndGrad(f)(inputs.predictions, tf.ones([9, 2, classes]));
      tf.dispose([value, grad, inputs.labels, inputs.predictions]);
    };
    const compiled = [[128, 128], [192, 160], [256, 256], [320, 200], [97, 131]].map(([height, width]) => {
      const before = new Set(Object.keys(backend().binaryCache));
      step(height!, width!);
      return Object.keys(backend().binaryCache).filter((key) => !before.has(key) && key.startsWith('Object_')).length;
    }); // prettier-ignore
    console.info(`programs compiled for 5 sizes, ${classes} classes: ${compiled.join(', ')}`);
    expect(compiled[0]).toBeGreaterThan(0);
    expect(compiled.slice(1)).toEqual([0, 0, 0, 0]);
  });
});

describe('textures', () => {
  const problem = problemOf(40, 3, { samples: 2 });
  const attributes = problem.attributes;

  test('packed tensors, volumes too, and slices of others are read where they are', () => {
    const inputs = inputsOf(problem);
    const expected = composedKernels.sums(inputs, attributes, PASS_SUMS);
    const packed = (x: tf.Tensor, shape: number[]) => {
      const result = tf.add(tf.reshape(x, shape), 0);
      expect(backend().texData.get(result.dataId).isPacked).toBe(true);
      return result;
    };
    for (const shape of [
      [2, 40, 3],
      [2, 5, 8, 3],
      [2, 5, 4, 2, 3],
    ]) {
      const moved = {
        ...inputs,
        labels: packed(inputs.labels, shape),
        predictions: packed(inputs.predictions, shape),
        weights: packed(inputs.weights!, [2, 40, 1]) as tf.Tensor3D,
        layout: layoutOf(shape, checkAxis(-1, shape, 'axis', 1)),
      };
      const [pass, passes] = [passOf(problem), fused()];
      expectClose(tensorOf(passes.sums(moved, pass, PASS_SUMS)), expected, 2e-6);
      expect(programsOf(() => passes.sums(moved, pass, PASS_SUMS))).toBe(3 + 3);
      // A tensor with one axis is packed in pairs instead of blocks.
      const flat = { ...moved, predictions: tf.reshape(moved.predictions, [240]) };
      expectClose(tensorOf(passes.sums(flat, pass, PASS_SUMS)), expected, 2e-6);
    }

    const slice = (x: tf.Tensor) => {
      // A gradient is not packed, so a slice of it shares its texture.
      const twice = tf.concat([tf.zerosLike(x), x]);
      const plain = tensorOf(
        fused().sumsGradient(
          { labels: twice, predictions: twice, weights: null },
          { ...passOf(problem), samples: 4, activation: 'none' },
          sumSet(['intersection']),
          tf.ones([1, 4, 3]),
          'predictions',
        ),
      );
      const part = tf.slice(plain, 2);
      expect(backend().texData.get(part.dataId).slice).toBeTruthy();
      return part;
    };
    const sliced = { ...inputs, labels: slice(inputs.labels), predictions: slice(inputs.predictions) };
    expectClose(tensorOf(fused().sums(sliced, passOf(problem), PASS_SUMS)), expected, 2e-6);
  });

  test('none are left over', () => {
    const [pass, inputs, passes] = [passOf(problem), fusedInputsOf(problem), fused()];
    const dy = tf.ones([9, 2, 3]);
    const dyMap = tf.ones([2, 40]);
    const before = backend().numDataIds();
    const results = [
      passes.sums(inputs, pass, PASS_SUMS),
      passes.sumsGradient(inputs, pass, PASS_SUMS, dy, 'predictions'),
      passes.sumsGradient(inputs, pass, PASS_SUMS, dy, 'labels'),
      passes.entropyMap(inputs, pass, [1, 2, 3]),
      passes.entropyMapGradient(inputs, pass, [1, 2, 3], dyMap, 'predictions'),
    ];
    expect(backend().numDataIds()).toBe(before + results.length);
    tf.dispose(results.map(tensorOf));
  });

  test('without pixels composed kernels run', () => {
    const pass = passOf(problem);
    expect(fused().takes!(pass)).toBe(true);
    expect(fused().takes!({ ...pass, pixels: 0 })).toBe(false);
    expect(fused().takes!({ ...pass, samples: 0 })).toBe(false);
  });
});

test('a NaN among logits or labels reaches the same sums and gradients as in composed kernels', () => {
  for (const activation of ['softmax', 'sigmoid', 'none'] as const) {
    const attributes = attributesOf(activation, 3);
    const inputs = inputsOf(problemOf(5, 3, { attributes, weights: 'all pixels' }));
    const broken = (x: tf.Tensor) =>
      tf.where(tf.equal(tf.range(0, 15), 7), NaN, tf.reshape(x, [15])).reshape([1, 5, 3]);
    for (const [labels, predictions] of [
      [inputs.labels, broken(inputs.predictions)],
      [broken(inputs.labels), inputs.predictions],
    ] as const) {
      for (const names of [PASS_SUMS, sumSet(['difference']), sumSet(['minimum'])]) {
        const areNaN = (kernels: typeof composedKernels) => {
          const sums = (t: tf.Tensor, z: tf.Tensor) =>
            kernels.sums({ ...inputs, labels: t, predictions: z }, attributes, names);
          const results = [sums(labels, predictions), ...tf.grads(sums)([labels, predictions])];
          return results.map((x) => [...tf.isNaN(x).dataSync()]);
        };
        expect(areNaN(currentKernels())).toEqual(areNaN(composedKernels));
      }
    }
  }
});

test('sums of 512 x 512 pixels and their gradient keep the digits of float32', () => {
  const problem = problemOf(512 * 512, 3);
  const { attributes } = problem;
  const inputs = inputsOf(problem);
  const expected = expectedSums(problem);
  const worst = (kernels: typeof composedKernels) => {
    const values = kernels.sums(inputs, attributes, PASS_SUMS).dataSync();
    return expected.data.reduce((most, value, i) => Math.max(most, Math.abs(values[i]! / value - 1)), 0);
  };
  const [own, composed] = [worst(currentKernels()), worst(composedKernels)];
  console.info(`512 x 512: largest relative error ${own.toExponential(1)}, composed ${composed.toExponential(1)}`);
  expect(own).toBeLessThan(3e-7);

  // Sums are linear in the pixels, so pixels by themselves have the gradient of all of them.
  const dy = someNumbers(27, 3);
  const gradient = tf.grad((z) => currentKernels().sums({ ...inputs, predictions: z }, attributes, PASS_SUMS));
  const values = gradient(inputs.predictions, tf.tensor3d(dy, [9, 1, 3])).dataSync();
  const total = totalOfSums(problem, dy);
  for (const i of [0, 77_777, 512 * 512 - 1]) {
    const pixel = problem.all[0]![i]!;
    const slopes = pixel.predictions.map((_, k) => {
      const at = (step: number) =>
        total({ ...pixel, predictions: pixel.predictions.map((z, c) => (c === k ? z + step : z)) }, 0, i);
      return (at(1e-6) - at(-1e-6)) / 2e-6;
    });
    slopes.forEach((slope, k) => expect(Math.abs(values[i * 3 + k]! - slope)).toBeLessThan(1e-5));
  }
});
