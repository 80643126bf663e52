/** The fused passes where textures are float16, as on many phones: sums in units, bounds that float16 can hold. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { PASS_SUMS } from '../../../src/kernels/contract.js';
import {
  attributesOf,
  expectedMap,
  expectedSums,
  makeProblem,
  someNumbers,
  totalOfSums,
  type Problem,
} from '../../contract/problems.js';
import { expectFinite } from '../../support/compare.js';
import { backend, fused, fusedInputsOf, passOf, tensorOf } from './onBackend.js';

// Before the backend is made.
tf.env().set('WEBGL_FORCE_F16_TEXTURES', true);

/** A problem whose values float16 holds exactly. */
function problemOf(pixels: number, classes: number, activation: 'softmax' | 'sigmoid' | 'none'): Problem {
  const attributes = { ...attributesOf(activation, classes), sharpness: 1 };
  const size = { samples: 1, pixels, classes, labelKind: 'float32', weights: 'weights', place: 'last' } as const;
  const problem = makeProblem({ ...size, attributes });
  const rounded = (x: number) => Math.round(x * 256) / 256;
  const all = problem.all.map((sample) =>
    sample.map(({ predictions, labels, weight }) => ({
      predictions: predictions.map(rounded),
      // At p = t the difference has no slope, so with activation 'none' labels are between the values of p.
      labels: labels.map((t) => rounded(t) + 1 / 512),
      weight: rounded(weight),
    })),
  );
  return { ...problem, all };
}

const halfNumbers = (count: number, seed: number) => someNumbers(count, seed).map((x) => Math.round(x * 256) / 256);

test('textures are float16 here', () => {
  expect(tf.mul(tf.scalar(1e9), tf.ones([200])).dataSync()[0]).not.toBe(1e9);
  expect(tf.add(tf.scalar(2048), tf.ones([200])).dataSync()[0]).toBe(2048);
});

test('one unit is a 64th of the pixels, and the passes take any number of them', () => {
  const of = (pixels: number) => passOf({ ...problemOf(1, 2, 'softmax'), pixels });
  const { unit, takes } = fused();
  expect([1, 64, 128, 512 * 512].map((pixels) => unit!(of(pixels)))).toEqual([1, 1, 2, 4096]);
  expect([1, 64, 65, 512 * 512].map((pixels) => takes!(of(pixels)))).toEqual([true, true, true, true]);
});

const cases = [
  [16, 2, 'softmax'],
  [256 * 256, 2, 'softmax'],
  [64 * 64, 1, 'sigmoid'],
  [64 * 64, 4, 'softmax'],
  [64 * 64, 3, 'none'],
  [512 * 512, 4, 'softmax'],
] as const;

describe('float16', () => {
  test.each(cases)('%i pixels, %i classes, %s: sums and gradients', (pixels, classes, activation) => {
    const problem = problemOf(pixels, classes, activation);
    const [pass, inputs, passes] = [passOf(problem), fusedInputsOf(problem), fused()];
    const unit = passes.unit!(pass);
    const expected = expectedSums(problem).data;
    const sums = tensorOf(passes.sums(inputs, pass, PASS_SUMS)).dataSync();
    const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs((sums[i]! * unit) / value - 1)), 0);
    expect(worst).toBeLessThan(1e-3);

    const dy = halfNumbers(9 * classes, 3);
    const upstream = tf.tensor3d(dy, [9, 1, classes]);
    const gradient = tensorOf(passes.sumsGradient(inputs, pass, PASS_SUMS, upstream, 'predictions')).dataSync();
    const total = totalOfSums(problem, dy);
    const chosen = problem.all[0]!.map((pixel, i) => ({ pixel, i })).filter(
      ({ i }) => i % Math.ceil(pixels / 500) === 0,
    );
    let [product, own, other] = [0, 0, 0];
    for (const { pixel, i } of chosen) {
      for (let k = 0; k < classes; k++) {
        const at = (step: number) =>
          total({ ...pixel, predictions: pixel.predictions.map((z, c) => (c === k ? z + step : z)) }, 0, i);
        const slope = (at(1e-6) - at(-1e-6)) / 2e-6 / unit;
        const actual = gradient[i * classes + k]!;
        product += slope * actual;
        own += actual * actual;
        other += slope * slope;
      }
    }
    const cosine = product / Math.sqrt(own * other);
    const length = Math.sqrt(own / other);
    const errors = [worst, 1 - cosine, length - 1].map((error) => error.toExponential(1));
    console.info(`float16, ${pixels} x ${classes}: errors of sums, direction and length: ${errors.join(', ')}`);
    expect(cosine).toBeGreaterThan(0.9999);
    expect(Math.abs(length - 1)).toBeLessThan(1e-3);
  });

  test('a class of a single pixel is not lost among 512 x 512', () => {
    const pixels = 512 * 512;
    const labels = tf.tensor3d(
      Float32Array.from({ length: pixels }, (_, i) => Number(i === 77_777)),
      [1, pixels, 1],
    );
    const pass = { ...passOf(problemOf(1, 1, 'none')), pixels };
    const passes = fused();
    const sums = tensorOf(passes.sums({ labels, predictions: labels, weights: null }, pass, PASS_SUMS)).dataSync();
    expect(sums[0]! * passes.unit!(pass)).toBeCloseTo(1, 2);
    expect(sums[2]! * passes.unit!(pass)).toBeCloseTo(1, 2);
  });

  test('the values of pixels', () => {
    const problem = problemOf(400, 4, 'softmax');
    const coefficients = halfNumbers(4, 5).map(Math.abs);
    const expected = expectedMap(problem, coefficients).data;
    const map = tensorOf(fused().entropyMap(fusedInputsOf(problem), passOf(problem), coefficients)).dataSync();
    const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(map[i]! - value)), 0);
    expect(worst).toBeLessThan(2e-3);
  });

  test.each(['softmax', 'sigmoid', 'none'] as const)('extreme predictions give finite results: %s', (activation) => {
    const pixels = 1024;
    const logits = [[65504, -65504, 0], [-65504, 3, 1], [-3e4, -3e4, -3e4]]; // prettier-ignore
    const rows = activation === 'none' ? [[0, 1, 0], [1, 0, 0]] : logits; // prettier-ignore
    for (const row of rows) {
      const problem = problemOf(pixels, 3, activation);
      const pass = passOf(problem);
      const inputs = { ...fusedInputsOf(problem), predictions: tf.tile(tf.tensor3d([[row]]), [1, pixels, 1]) };
      const dy = tf.ones([9, 1, 3]);
      const passes = fused();
      const results = [
        passes.sums(inputs, pass, PASS_SUMS),
        passes.entropyMap(inputs, pass, [1, 1, 1]),
        ...(['predictions', 'labels'] as const).flatMap((wrt) => [
          passes.sumsGradient(inputs, pass, PASS_SUMS, dy, wrt),
          passes.entropyMapGradient(inputs, pass, [1, 1, 1], tf.ones([1, pixels]), wrt),
        ]),
      ];
      for (const result of results) expectFinite(tensorOf(result));
    }
  });

  test('NaN stays NaN', () => {
    const problem = problemOf(100, 3, 'softmax');
    const inputs = { ...fusedInputsOf(problem), predictions: tf.fill([1, 100, 3], NaN) };
    const sums = tensorOf(fused().sums(inputs, passOf(problem), PASS_SUMS)).dataSync();
    expect([0, 3, 9, 12, 21].filter((i) => !Number.isNaN(sums[i]!))).toEqual([]);
  });

  test('no texture is left over', () => {
    const problem = problemOf(1024, 4, 'softmax');
    const [pass, inputs] = [passOf(problem), fusedInputsOf(problem)];
    const before = backend().numDataIds();
    const result = fused().sums(inputs, pass, PASS_SUMS);
    expect(backend().numDataIds()).toBe(before + 1);
    tf.dispose(tensorOf(result));
  });
});
