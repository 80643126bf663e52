import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropyLoss, diceLoss, entmax15, iouLoss, lovaszSoftmaxLoss, sparsemax } from '../../src/index.js';
import * as exact from '../reference/entmax.js';
import * as reference from '../reference/index.js';
import { expectClose, expectFinite, toArray, toTensor } from '../support/compare.js';
import { randomArray, randomDistribution, randomLogits, randomNumbers } from '../support/random.js';

describe('sparsemax', () => {
  test('is the closest point of the simplex', () => {
    const random = randomNumbers(1);
    for (let trial = 0; trial < 20; trial++) {
      const z = Array.from({ length: 4 }, () => Math.fround(4 * random() - 2));
      const p = [...sparsemax(tf.tensor(z)).dataSync()];
      const distance = (q: readonly number[]) => reference.sum(q.map((value, i) => (value - z[i]!) ** 2));
      // The closest point has some support, on which it equals z shifted so that it adds up to 1.
      const candidates = Array.from({ length: 15 }, (_, m) => {
        const inSupport = z.map((_, i) => (((m + 1) >> i) & 1) === 1);
        const size = inSupport.filter(Boolean).length;
        const move = (1 - reference.sum(z.filter((_, i) => inSupport[i]))) / size;
        return z.map((value, i) => (inSupport[i] ? value + move : 0));
      }).filter((q) => q.every((value) => value >= 0));
      const best = candidates.reduce((a, b) => (distance(b) < distance(a) ? b : a));
      expectClose(tf.tensor(p), tf.tensor(best), 1e-6);
    }
  });

  test('leaves points of the simplex unchanged', () => {
    const p = toTensor(randomDistribution([10, 5], 2, 1));
    expectClose(sparsemax(p), p, 1e-6);
  });
});

describe('as the activation of a loss', () => {
  const shape = [2, 3, 4, 3];
  const labels = randomDistribution(shape, 4, 3);
  const logits = randomLogits(shape, 5);

  test.each([
    ['sparsemax', sparsemax, exact.sparsemax],
    ['entmax15', entmax15, exact.entmax15],
  ] as const)('%s gives the gradient through the loss, on either class axis', (_, relax, expected) => {
    const [t, z] = [toTensor(labels), toTensor(logits)];
    for (const loss of ['iouLoss', 'diceLoss'] as const) {
      const ours = { iouLoss, diceLoss }[loss];
      const value = (x: tf.Tensor) => ours(t, x, { activation: relax });
      const total = (x: reference.NdArray) => reference.item(reference[loss](labels, x, { activation: expected }));
      expectClose(value(z), tf.scalar(total(logits)));
      expectClose(tf.grad(value)(z), reference.centralDifference(total, logits));
    }
    const first = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    const moved = lovaszSoftmaxLoss(first(t), first(z), { axis: 1, activation: (x) => relax(x, { axis: 1 }) });
    expectClose(moved, lovaszSoftmaxLoss(t, z, { activation: relax }));
  });

  test('is finite for extreme logits, also in a cross-entropy', () => {
    const z = toTensor(randomArray(shape, 6, -1e4, 1e4));
    const t = toTensor(labels);
    for (const activation of [sparsemax, entmax15] as const) {
      for (const loss of [iouLoss, crossEntropyLoss, lovaszSoftmaxLoss]) {
        expectFinite(loss(t, z, { activation }));
        expectFinite(tf.grad((x) => loss(t, x, { activation }))(z));
      }
    }
    expect(toArray(sparsemax(z)).data.filter((p) => p === 1).length).toBeGreaterThan(20);
  });
});
