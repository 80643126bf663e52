/** The properties that set the focal losses apart; those that hold for every loss are tested elsewhere. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { binaryCrossEntropyLoss, crossEntropyLoss, focalLoss, tverskyLoss, unifiedFocalLoss } from '../../src/index.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import { randomDistribution, randomLabels, randomLogits } from '../support/random.js';

const shape = [2, 6, 3];
const labels = () => toTensor(randomDistribution(shape, 1, 2));
const logits = () => toTensor(randomLogits(shape, 2));

describe('focalLoss', () => {
  test('with gamma 0 equals the cross-entropy to the last digit', () => {
    for (const activation of ['softmax', 'sigmoid'] as const) {
      for (const reduction of ['mean', 'none', 'sample'] as const) {
        const options = { activation, reduction, classWeights: [1, 2, 3] };
        const own = focalLoss(labels(), logits(), { ...options, gamma: 0 });
        expect([...own.dataSync()]).toEqual([...crossEntropyLoss(labels(), logits(), options).dataSync()]);
      }
    }
  });

  test('approaches the cross-entropy as gamma approaches 0, where it has a pass of its own', () => {
    expectClose(focalLoss(labels(), logits(), { gamma: 1e-7 }), crossEntropyLoss(labels(), logits()), 1e-6);
  });

  test('on hard labels equals -(1 - p)^gamma log p of the correct class', () => {
    const indices = tf.tensor([[0, 2, 1, 1, 0, 2]], [1, 6], 'int32');
    const z = toTensor(randomLogits([1, 6, 3], 4));
    const p = tf.sum(tf.mul(tf.softmax(z), tf.oneHot(indices, 3)), 2);
    const expected = tf.mul(tf.square(tf.sub(1, p)), tf.neg(tf.log(p)));
    expectClose(focalLoss(indices, z, { reduction: 'none' }), expected);
  });

  test('and its gradient are 0 at p = t, for different pixels, and each gamma and activation', () => {
    for (const gamma of [0.25, 0.5, 1, 2, 3.5]) {
      const t = tf.softmax(logits());
      for (const [z, activation] of [
        [logits(), 'softmax'],
        [tf.log(tf.div(t, tf.sub(1, t))), 'sigmoid'],
        [tf.add(t, 0), 'none'],
      ] as const) {
        const loss = (x: tf.Tensor) => focalLoss(t, x, { activation, gamma, reduction: 'sum' });
        // p and t differ by rounding, and 1e-7^0.25 is 0.02.
        expect(loss(z).dataSync()[0]).toBeLessThan(18 * 2 * 3e-7 ** gamma + 1e-12);
        if (activation === 'none') expect(Math.max(...tf.grad(loss)(z).dataSync().map(Math.abs))).toBe(0);
      }
    }
  });

  test('under softmax is lowest at p = t', () => {
    const grid = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
    for (const t of [0.07, 0.3, 0.93]) {
      const values = grid.map((p) => {
        const z = tf.log(tf.tensor([[p, 1 - p]]));
        return focalLoss(tf.tensor([[t, 1 - t]]), z).dataSync()[0]!;
      });
      expect(grid[values.indexOf(Math.min(...values))]).toBeCloseTo(t, 6);
    }
  });

  test('is finite and correct for saturated logits and any gamma', () => {
    const t = tf.tensor([[1], [0], [0.25], [1], [0]]);
    const z = tf.tensor([[-1e4], [1e4], [-1e4], [1e4], [-1e4]]);
    for (const gamma of [0.25, 0.5, 1, 2, 5]) {
      const value = focalLoss(t, z, { gamma, reduction: 'none' });
      expectClose(value, tf.tensor([1e4, 1e4, 2500 * 0.25 ** gamma, 0, 0]));
      const gradient = tf.grad((x) => focalLoss(t, x, { gamma, reduction: 'sum' }))(z);
      expectClose(gradient, tf.tensor([[-1], [1], [-0.25 * 0.25 ** gamma], [0], [0]]));
      const two = tf.concat([z, tf.zerosLike(z)], 1);
      expectFinite(tf.grad((x) => focalLoss(tf.concat([t, tf.sub(1, t)], 1), x, { gamma }))(two));
    }
  });

  test('weights the pixels of the class by alpha, and the others by 1 - alpha', () => {
    const t = tf.tensor([[1, 0, 1, 0]], [1, 4, 1]);
    const z = tf.tensor([[-1, 0.5, 2, 1]], [1, 4, 1]);
    const plain = focalLoss(t, z, { reduction: 'none' });
    const balanced = focalLoss(t, z, { reduction: 'none', alpha: 0.25 });
    expectClose(balanced, tf.mul(plain, tf.tensor([[0.25, 0.75, 0.25, 0.75]])));
  });

  test('has the correct second derivative at logit 0, where abs and relu have a kink', () => {
    const t = tf.tensor([[0.8]]);
    const slope = (z: tf.Tensor) => tf.grad((x) => focalLoss(t, x))(z);
    const h = 1e-2;
    const about = (slope(tf.tensor([[h]])).dataSync()[0]! - slope(tf.tensor([[-h]])).dataSync()[0]!) / (2 * h);
    expect(
      tf
        .grad(slope)(tf.tensor([[0]]))
        .dataSync()[0],
    ).toBeCloseTo(about, 3);
  });
});

describe('unifiedFocalLoss', () => {
  test('is the weighted sum of focal loss and focal Tversky, with delta for the foreground', () => {
    const [delta, gamma, lambda] = [0.7, 0.25, 0.3];
    const region = tverskyLoss(labels(), logits(), { alpha: 0.3, beta: 0.7, gamma });
    const focal = focalLoss(labels(), logits(), { gamma: 0.75, classWeights: [0.3, 0.7, 0.7] });
    const own = unifiedFocalLoss(labels(), logits(), { delta, gamma, lambda });
    expectClose(own, tf.add(tf.mul(focal, 0.3), tf.mul(region, 0.7)));
  });

  test('under sigmoid with gamma 1 and delta 1/2 combines half the binary cross-entropy with Dice', () => {
    const t = toTensor(randomLabels([2, 6, 1], 5));
    const z = toTensor(randomLogits([2, 6, 1], 6));
    const expected = tf.add(tf.mul(binaryCrossEntropyLoss(t, z), 0.25), tf.mul(tverskyLoss(t, z), 0.5));
    expectClose(unifiedFocalLoss(t, z, { gamma: 1, delta: 0.5 }), expected);
  });
});
