/**
 * Sums asked for alone and in pairs, and third derivatives. (A file of its own: each makes a page its own programs, of
 * which a page holds only so many.)
 */
import { describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { PASS_SUMS, sumSet } from '../../src/kernels/contract.js';
import { currentKernels } from '../../src/kernels/select.js';
import { expectClose } from '../support/compare.js';
import { attributesOf, expectedGradient, inputsOf, makeProblem, someNumbers, totalOfSums } from './problems.js';

const tolerance = 1e-5;

describe('what is asked for', () => {
  const attributes = attributesOf('softmax', 3);
  const size = { samples: 2, pixels: 37, classes: 3, labelKind: 'float32', weights: 'weights', place: 'last' } as const;

  test('each sum alone, and any two, are the rows of all', () => {
    const inputs = inputsOf(makeProblem({ ...size, attributes }));
    const { sums } = currentKernels();
    const rows = tf.unstack(sums(inputs, attributes, PASS_SUMS));
    PASS_SUMS.forEach((first, i) => {
      expectClose(tf.squeeze(sums(inputs, attributes, sumSet([first])), [0]), rows[i]!, 1e-6);
      PASS_SUMS.slice(i + 1).forEach((second, k) => {
        const both = tf.unstack(sums(inputs, attributes, sumSet([first, second])));
        expectClose(both[0]!, rows[i]!, 1e-6);
        expectClose(both[1]!, rows[i + 1 + k]!, 1e-6);
      });
    });
  });

  test('each sum alone has its own gradient, to predictions and to labels', () => {
    const problem = makeProblem({ ...size, attributes });
    const inputs = inputsOf(problem);
    const { sums } = currentKernels();
    const cells = size.samples * size.classes;
    PASS_SUMS.forEach((name, row) => {
      const dy = someNumbers(cells, 4);
      const total = totalOfSums(
        problem,
        PASS_SUMS.flatMap((_, s) => (s === row ? dy : Array<number>(cells).fill(0))),
      );
      const upstream = tf.tensor3d(dy, [1, size.samples, size.classes]);
      const toPredictions = tf.grad((z) => sums({ ...inputs, predictions: z }, attributes, sumSet([name])));
      const toLabels = tf.grad((t) => sums({ ...inputs, labels: t }, attributes, sumSet([name])));
      expectClose(
        toPredictions(inputs.predictions, upstream),
        expectedGradient(problem, total, 'predictions'),
        tolerance,
      );
      expectClose(toLabels(inputs.labels, upstream), expectedGradient(problem, total, 'labels'), tolerance);
    });
  });
});

test('where p = t the difference has slope 0 and the minimum half its slope, by predictions and by labels', () => {
  const attributes = attributesOf('none', 3);
  const size = { samples: 1, pixels: 4, classes: 3, labelKind: 'float32', weights: 'all pixels' } as const;
  const inputs = inputsOf(makeProblem({ ...size, place: 'last', attributes }));
  const { predictions } = inputs;
  // The same tensor used twice would hide a wrong slope.
  const labels = tf.add(predictions, 0);
  const tied = (name: 'difference' | 'minimum') => {
    const sum = (t: tf.Tensor, p: tf.Tensor) =>
      currentKernels().sums({ ...inputs, labels: t, predictions: p }, attributes, sumSet([name]));
    return [tf.grad((p) => sum(labels, p))(predictions), tf.grad((t) => sum(t, predictions))(labels)];
  };
  for (const slope of tied('difference')) expectClose(slope, tf.zerosLike(predictions));
  for (const slope of tied('minimum')) expectClose(slope, tf.fill(predictions.shape, 0.5));
});

test('third derivatives can be had', () => {
  const attributes = attributesOf('softmax', 2);
  const size = { samples: 1, pixels: 3, classes: 2, labelKind: 'float32', weights: 'all pixels' } as const;
  const inputs = inputsOf(makeProblem({ ...size, place: 'last', attributes }));
  const f = (z: tf.Tensor) =>
    tf.sum(currentKernels().sums({ ...inputs, predictions: z }, attributes, sumSet(['predictedSquared'])));
  const squaredGradient = (f: (z: tf.Tensor) => tf.Tensor) => (z: tf.Tensor) => tf.sum(tf.square(tf.grad(f)(z)));
  // These are second derivatives, which are compared with the oracle's above.
  const total = squaredGradient(squaredGradient(f));
  const z = inputs.predictions;
  const differences = Array.from({ length: z.size }, (_, i) => {
    const at = (step: number) => {
      const values = Array.from({ length: z.size }, (_, k) => (k === i ? step : 0));
      return total(tf.add(z, tf.tensor(values, z.shape))).dataSync()[0]!;
    };
    return (at(0.02) - at(-0.02)) / 0.04;
  });
  expectClose(tf.grad(total)(z), { shape: z.shape, data: Float64Array.from(differences) }, 5e-3);
});
