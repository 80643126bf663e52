/** Numbers at which other losses give NaN or lose their gradient. */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import { expectClose, expectFinite, toArray, toTensor } from '../support/compare.js';
import {
  expectLikeOracle,
  hasRegion,
  isSum,
  lossNamed,
  LOSSES,
  REGION_LOSSES,
  referenceNamed,
  type LossName,
} from '../support/oracle.js';
import { randomDistribution, randomLogits } from '../support/random.js';
import { indices, ndarray } from '../reference/index.js';

const shape = [2, 4, 3];
const labels = () => toTensor(randomDistribution(shape, 1, 2));
const logits = () => toTensor(randomLogits(shape, 2));

function valueAndGradient(name: LossName, t: tf.Tensor, z: tf.Tensor, options: object = {}) {
  const loss = lossNamed(name);
  const value = loss(t, z, options);
  const gradient = tf.grad((x) => tf.sum(loss(t, x, options)))(z);
  expectFinite(value);
  expectFinite(gradient);
  return { value, gradient };
}

afterEach(() => checkValues('first'));

describe.each(LOSSES)('%s', (name) => {
  test('and its gradient are 0 for a batch without valid pixels', () => {
    for (const reduction of ['mean', 'sum', 'sample', ...(isSum(name) ? [] : ['none'])]) {
      const { value, gradient } = valueAndGradient(name, labels(), logits(), { mask: tf.zeros([2, 4]), reduction });
      expect([...value.dataSync()].every((v) => v === 0)).toBe(true);
      expect([...gradient.dataSync()].every((v) => v === 0)).toBe(true);
    }
    const unlabelled = tf.fill([2, 4], 7, 'int32');
    const { value, gradient } = valueAndGradient(name, unlabelled, logits(), { ignoreLabel: 7 });
    expect(value.dataSync()[0]).toBe(0);
    expect(Math.max(...gradient.dataSync().map(Math.abs))).toBe(0);
  });

  test('ignores NaN and Inf under a mask, in predictions or labels', () => {
    const mask = tf.tensor([
      [1, 0, 1, 1],
      [0, 1, 1, 0],
    ]);
    const there = mask.cast('bool').expandDims(-1).tile([1, 1, 3]);
    for (const bad of [NaN, Infinity, -Infinity]) {
      const z = tf.where(there, logits(), tf.fill(shape, bad));
      const t = tf.where(there, labels(), tf.fill(shape, bad));
      const dirty = valueAndGradient(name, t, z, { mask });
      const clean = valueAndGradient(name, labels(), logits(), { mask });
      expectClose(dirty.value, clean.value);
      expectClose(dirty.gradient, clean.gradient);
      expectFinite(tf.grad((x) => lossNamed(name)(x, z, { mask }))(t));
      const relaxed = {
        mask,
        activation: name === 'binaryCrossEntropyLoss' ? tf.sigmoid : (x: tf.Tensor) => tf.softmax(x),
      };
      expectClose(
        valueAndGradient(name, t, z, relaxed).gradient,
        valueAndGradient(name, labels(), logits(), relaxed).gradient,
      );
    }
  });

  test('is NaN if a pixel that counts is NaN and values are not checked', () => {
    checkValues('never');
    const z = tf.concat([tf.fill([1, 4, 3], NaN), tf.zeros([1, 4, 3])]);
    expect(lossNamed(name)(labels(), z).dataSync()[0]).toBeNaN();
  });

  test('is finite at logits of ±1e4, right and wrong, with softmax and sigmoid', () => {
    const z = tf.tensor([
      [
        [1e4, -1e4, 0],
        [-1e4, -1e4, 1e4],
        [1e4, 1e4, 1e4],
        [-1e4, -1e4, -1e4],
      ],
      [
        [0, 1e4, 0],
        [1e4, 0, -1e4],
        [-1e4, 1e4, 1],
        [1, 2, 3],
      ],
    ]);
    for (const activation of name === 'binaryCrossEntropyLoss' ? ['sigmoid'] : ['softmax', 'sigmoid']) {
      for (const sharpness of [1, 8]) valueAndGradient(name, labels(), z, { activation, sharpness });
      expectLikeOracle(name, randomDistribution(shape, 1, 2), ndarray(z.dataSync() as Float32Array, shape), {
        activation,
        reduction: 'sum',
      });
    }
  });

  test('is finite with -Infinity for a class, which gets no probability', () => {
    checkValues('never'); // the labels do not sum to 1
    const z = tf.add(logits(), tf.tensor([0, 0, -Infinity]));
    const two = tf.mul(labels(), tf.tensor([1, 1, 0]));
    for (const t of [two, labels()]) {
      const { value, gradient } = valueAndGradient(name, t, z);
      expectClose(value, referenceNamed(name)(toArray(t), toArray(z)));
      if (t === two) expectClose(tf.slice(gradient, [0, 0, 2], [2, 4, 1]), tf.zeros([2, 4, 1]));
    }
  });

  test('is finite for empty and full labels, and for predictions that are exactly right or wrong', () => {
    const full = tf.oneHot(tf.zeros([2, 4], 'int32'), 3).cast('float32');
    for (const t of [tf.zeros(shape), tf.ones(shape), full]) {
      for (const p of [tf.zeros(shape), tf.ones(shape), full]) {
        valueAndGradient(name, t, p, { activation: 'none' });
        if (!hasRegion(name)) continue;
        for (const absent of ['skip', 'penalize', 'smooth']) {
          for (const smooth of [0, 1e-6, 1]) valueAndGradient(name, t, p, { activation: 'none', absent, smooth });
        }
      }
    }
  });
});

describe('saturated logits', () => {
  test('cross-entropy keeps its gradient where clipping would lose it', () => {
    const t = tf.tensor([[1, 0]]);
    const z = tf.tensor([[-200, 200]]);
    const { value, gradient } = valueAndGradient('crossEntropyLoss', t, z);
    expect(value.dataSync()[0]).toBe(400);
    expectClose(gradient, tf.tensor([[-1, 1]]));
  });

  test('binary cross-entropy is exact on both sides', () => {
    const t = tf.tensor([[1], [0], [0.25]]);
    const z = tf.tensor([[-1e4], [1e4], [-1e4]]);
    const { value, gradient } = valueAndGradient('binaryCrossEntropyLoss', t, z, { reduction: 'none' });
    expectClose(value, tf.tensor([1e4, 1e4, 2500]));
    expectClose(gradient, tf.tensor([[-1], [1], [-0.25]]));
  });
});

describe('classes without a label', () => {
  const t = () =>
    tf.tensor([
      [
        [1, 0],
        [1, 0],
      ],
    ]);
  const z = () =>
    tf.tensor([
      [
        [0, 0],
        [0, Math.log(3)],
      ],
    ]); // p of class 1: 1/2, 3/4

  test("'skip' excludes the class from the mean", () => {
    const both = lossNamed('diceLoss')(t(), z());
    expectClose(both, lossNamed('diceLoss')(t(), z(), { classes: [0] }));
  });

  test("'penalize' costs the mean probability of the class, and the gradient pushes it down", () => {
    const options = { absent: 'penalize', classes: [1] };
    const { value, gradient } = valueAndGradient('iouLoss', t(), z(), options);
    expectClose(value, tf.scalar(0.625));
    expect(gradient.dataSync()[1]).toBeGreaterThan(0.01);
  });

  test("'smooth' applies the formula, which gives 1 without a gradient", () => {
    const options = { absent: 'smooth', classes: [1] };
    const { value, gradient } = valueAndGradient('iouLoss', t(), z(), options);
    expect(value.dataSync()[0]).toBe(1);
    expect(Math.max(...gradient.dataSync().map(Math.abs))).toBe(0);
  });

  test("under sigmoid the default is 'penalize', so a network learns from empty masks", () => {
    const { value, gradient } = valueAndGradient('diceLoss', tf.zeros([1, 2, 1]), tf.zeros([1, 2, 1]));
    expectClose(value, tf.scalar(0.5));
    expectClose(gradient, tf.fill([1, 2, 1], 0.125));
  });
});

describe.each(REGION_LOSSES)('%s', (name) => {
  test('has a bounded gradient for a class that is neither labelled nor predicted', () => {
    const none = tf.zeros([1, 4, 1]);
    const { gradient } = valueAndGradient(name, none, tf.add(none, 0), { activation: 'none', absent: 'smooth' });
    expect(Math.max(...gradient.dataSync().map(Math.abs))).toBeLessThanOrEqual(1);
  });
});

describe('a confident network', () => {
  /** The second class is labelled everywhere with probabilities of 1e-4 and below; the third is labelled nowhere. */
  const t = indices([1, 1, 1, 1], [1, 4]);
  const z = ndarray([8, 0, -12, 9, 0, -30, 10, 0, -9, 8, 0, -11], [1, 4, 3]);

  test('costs nothing under a tverskyLoss of false positives only, if there are none', () => {
    const mask = tf.tensor([[1, 1]], [1, 2], 'int32');
    const logits = tf.tensor([16, 0, 17, 0], [1, 2, 2]);
    expect(lossNamed('tverskyLoss')(mask, logits, { beta: 0 }).dataSync()[0]).toBe(0);
  });

  // The covariance in mccLoss is a difference by definition.
  test.each(REGION_LOSSES.filter((name) => name !== 'mccLoss'))('loses no digits of the intersection in %s', (name) => {
    for (const options of [{}, { absent: 'smooth', reduction: 'none' }]) {
      expectLikeOracle(name, t, z, options);
      if (name !== 'tverskyLoss') continue;
      for (const own of [{ beta: 0 }, { alpha: 0 }, { beta: 0, gamma: 2 }])
        expectLikeOracle(name, t, z, { ...options, ...own });
    }
  });
});
