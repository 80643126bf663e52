/** Traps in other libraries that users have fallen into; each test is named after its trap. */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  binaryCrossEntropyLoss,
  checkValues,
  comboLoss,
  crossEntropyLoss,
  diceLoss,
  iouLoss,
  tverskyLoss,
} from '../../src/index.js';
import { expectClose, expectFinite } from '../support/compare.js';

const largest = (x: tf.Tensor) => Math.max(...x.dataSync().map(Math.abs));

afterEach(() => checkValues('first'));

describe('tfjs', () => {
  test('softmaxCrossEntropy gives an unlabelled row the gradient softmax(z); ours gives it none', () => {
    const t = tf.tensor([
      [0, 0, 0],
      [0, 1, 0],
    ]);
    const z = tf.tensor([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    // Value checks would refuse this row.
    checkValues('never');
    const rows = tf.split(tf.grad((x) => crossEntropyLoss(t, x))(z), 2);
    expect(largest(rows[0]!)).toBe(0);
    expect(largest(rows[1]!)).toBeGreaterThan(0.1);
  });

  test('softmaxCrossEntropy smooths labels by shape[1]; ours by the number of classes, wherever they are', () => {
    const t = tf.tensor([[[1, 0, 0]]]).tile([1, 5, 1]); // [1,5,3]
    const z = tf.zeros([1, 5, 3]);
    const value = crossEntropyLoss(t, z, { labelSmoothing: 0.3, classes: [0] });
    expectClose(value, tf.scalar((0.7 + 0.3 / 3) * Math.log(3)));
    const first = crossEntropyLoss(t.transpose([0, 2, 1]), z.transpose([0, 2, 1]), {
      labelSmoothing: 0.3,
      classes: [0],
      axis: 1,
    });
    expectClose(first, value);
  });

  test('computeWeightedLoss is NaN with weights of 0; ours is 0', () => {
    const t = tf.tensor([[0.3, 0.7]]);
    const z = tf.tensor([[1, 2]]);
    for (const loss of [iouLoss, diceLoss, tverskyLoss, crossEntropyLoss, binaryCrossEntropyLoss, comboLoss]) {
      expect(loss(t, z, { classWeights: [0, 0] }).dataSync()[0]).toBe(0);
      expect(largest(tf.grad((x) => loss(t, x, { classWeights: [0, 0] }))(z))).toBe(0);
      expect(loss(t, z, { mask: tf.zeros([1]) }).dataSync()[0]).toBe(0);
    }
  });

  test("tfjs-layers' cross-entropies lose the gradient of saturated logits; ours keep it", () => {
    const t = tf.tensor([[1], [0]]);
    const z = tf.tensor([[-50], [50]]);
    expectClose(tf.grad((x) => binaryCrossEntropyLoss(t, x, { reduction: 'sum' }))(z), tf.tensor([[-1], [1]]));
  });
});

describe('MONAI', () => {
  test('masks before the activation, so that a masked pixel still counts; ours does not', () => {
    const t = tf.tensor([
      [
        [1, 0],
        [0, 1],
      ],
    ]);
    const mask = tf.tensor([[1, 0]]);
    const at = (logit: number) =>
      diceLoss(
        t,
        tf.tensor([
          [
            [1, 0],
            [logit, -logit],
          ],
        ]),
        { mask },
      ).dataSync()[0];
    expect(at(-5)).toBe(at(5));
  });

  test('with smoothing 1e-5 has a cliff at p = 0 on an empty mask; ours rises from 0 with p', () => {
    const empty = tf.zeros([1, 100, 1]);
    const at = (p: number) => diceLoss(empty, tf.fill([1, 100, 1], p), { activation: 'none' }).dataSync()[0]!;
    for (const p of [0, 1e-6, 1e-3, 0.1]) expect(at(p)).toBeCloseTo(p, 6);
  });
});

describe('segmentation_models.pytorch', () => {
  test('divides by all pixels, including ignored ones; ours by those that count', () => {
    const t = tf.tensor([[0, 1, 255, 255]], [1, 4], 'int32');
    const z = tf.randomNormal([1, 4, 2]);
    const labelled = crossEntropyLoss(tf.slice(t, [0, 0], [1, 2]), tf.slice(z, [0, 0, 0], [1, 2, 2]));
    expectClose(crossEntropyLoss(t, z, { ignoreLabel: 255 }), labelled);
  });

  test('gives absent classes no gradient; ours can penalize them', () => {
    const t = tf.zeros([1, 4], 'int32');
    const gradient = tf.grad((z) => diceLoss(t, z, { absent: 'penalize', classes: [1] }))(tf.zeros([1, 4, 2]));
    expect(largest(gradient)).toBeGreaterThan(0.01);
  });

  test('is NaN for Tversky gamma < 1 on an empty batch; ours is finite', () => {
    for (const p of [0, 0.5, 1]) {
      for (const absent of ['skip', 'penalize', 'smooth'] as const) {
        const loss = (x: tf.Tensor) => tverskyLoss(tf.zeros([2, 4, 1]), x, { gamma: 0.5, absent, activation: 'none' });
        expectFinite(loss(tf.fill([2, 4, 1], p)));
        expectFinite(tf.grad(loss)(tf.fill([2, 4, 1], p)));
      }
    }
  });
});

describe('kornia', () => {
  test("'s Tversky loss depends only on alpha + beta; ours weights false positives and false negatives apart", () => {
    const missed = tf.tensor([[[1], [1], [0], [0]]]);
    const predicted = tf.tensor([[[1], [0], [0], [0]]]);
    const at = (alpha: number, beta: number) =>
      tverskyLoss(missed, predicted, { alpha, beta, activation: 'none' }).dataSync()[0];
    expect(at(0.1, 0.9)).toBeCloseTo(0.9 / 1.9, 6);
    expect(at(0.9, 0.1)).toBeCloseTo(0.1 / 1.1, 6);
  });
});

describe('optax and Keras', () => {
  test('have a Dice loss that is not lowest at p = t for a soft label; ours is', () => {
    const t = tf.fill([1, 8, 1], 0.3);
    const at = (p: number) => diceLoss(t, tf.fill([1, 8, 1], p), { activation: 'none' }).dataSync()[0]!;
    expect(at(0.3)).toBeLessThan(1e-6);
    for (const p of [0, 0.29, 0.31, 1]) expect(at(p)).toBeGreaterThan(0.01);
  });
});

describe('tf.abs', () => {
  test('has the gradient -1 or 1 at 0, which shows with two equal but different tensors', () => {
    const [t, p] = [tf.fill([1, 4, 2], 0.5), tf.fill([1, 4, 2], 0.5)];
    for (const loss of [iouLoss, diceLoss, tverskyLoss]) {
      const [byLabels, byPredictions] = tf.grads((a, b) => loss(a!, b!, { activation: 'none' }))([t, p]);
      expect(largest(byPredictions!)).toBeLessThan(1e-6);
      expect(largest(byLabels!)).toBeLessThan(1e-6);
    }
  });
});
