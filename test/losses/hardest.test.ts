/** The option `hardest`: the choice of pixels, and that they count as if a mask had left out the others. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { lossNamed } from '../support/oracle.js';
import { randomDistribution, randomLogits } from '../support/random.js';

const LOSSES = ['crossEntropyLoss', 'binaryCrossEntropyLoss', 'focalLoss'] as const;
const SHAPE = [2, 5, 4, 3];
const labels = () => toTensor(randomDistribution(SHAPE, 1, 3));
const logits = () => toTensor(randomLogits(SHAPE, 2));
const pixelMask = () =>
  toTensor(randomLogits([2, 5, 4], 3))
    .greater(-1.5)
    .toFloat();

/** The pixels at which reduction 'none' is not 0. */
const chosen = (values: tf.Tensor) => tf.notEqual(values, 0).toFloat();

describe.each(LOSSES)('%s with hardest', (name) => {
  const loss = lossNamed(name);

  test('equals the loss with a mask of these pixels, in value and gradient, for each reduction', () => {
    for (const given of [undefined, pixelMask(), tf.mul(pixelMask(), tf.range(1, 5).reshape([1, 1, 4]))]) {
      const hardest = 0.3;
      const mask = chosen(loss(labels(), logits(), { hardest, mask: given, reduction: 'none' })).mul(given ?? 1);
      for (const reduction of ['mean', 'sum', 'sample', 'none']) {
        const own = (z: tf.Tensor) => loss(labels(), z, { hardest, mask: given, reduction });
        const masked = (z: tf.Tensor) => loss(labels(), z, { mask, reduction });
        expectClose(own(logits()), masked(logits()));
        expectClose(tf.grad((z) => tf.sum(own(z)))(logits()), tf.grad((z) => tf.sum(masked(z)))(logits()));
        expectClose(
          tf.grad((t) => tf.sum(loss(t, logits(), { hardest, mask: given, reduction })))(labels()),
          tf.grad((t) => tf.sum(loss(t, logits(), { mask, reduction })))(labels()),
        );
      }
    }
  });

  test('takes the pixels with the largest values, whatever their weights', () => {
    const values = loss(labels(), logits(), { reduction: 'none' });
    const weights = tf.linspace(0.01, 2, 40).reshape([2, 5, 4]);
    const kept = chosen(loss(labels(), logits(), { hardest: 0.25, reduction: 'none', mask: weights })).dataSync();
    const all = [...values.dataSync()];
    for (const sample of [0, 1]) {
      const own = all.slice(sample * 20, sample * 20 + 20);
      const fifth = [...own].sort((a, b) => b - a)[4]!;
      expect([...kept.slice(sample * 20, sample * 20 + 20)]).toEqual(own.map((v) => (v >= fifth ? 1 : 0)));
    }
  });

  test('1 equals the loss without the option', () => {
    expectClose(loss(labels(), logits(), { hardest: 1 }), loss(labels(), logits()), 1e-7);
  });

  test('is NaN if a pixel that counts is NaN, but not for masked pixels', () => {
    checkValues('never');
    const z = tf.concat([tf.fill([1, 5, 4, 3], NaN), tf.zeros([1, 5, 4, 3])]);
    expect(loss(labels(), z, { hardest: 0.1 }).dataSync()[0]).toBeNaN();
    const mask = tf.concat([tf.zeros([1, 5, 4]), tf.ones([1, 5, 4])]);
    expect(loss(labels(), z, { hardest: 0.1, mask }).dataSync()[0]).toBeGreaterThan(0);
    expect(loss(labels(), logits(), { hardest: 0.1, mask: tf.zeros([2, 5, 4]) }).dataSync()[0]).toBe(0);
  });

  test('leaves no tensor, and has second derivatives', () => {
    const [t, z] = [labels(), logits()];
    const gradient = (x: tf.Tensor) => tf.grad((y) => loss(t, y, { hardest: 0.3 }))(x);
    const before = tf.memory().numTensors;
    tf.dispose([loss(t, z, { hardest: 0.3 }), gradient(z)]);
    expect(tf.memory().numTensors).toBe(before);
    const mask = chosen(loss(t, z, { hardest: 0.3, reduction: 'none' }));
    expectClose(
      tf.grad((x) => tf.sum(tf.square(gradient(x))))(z),
      tf.grad((x) => tf.sum(tf.square(tf.grad((y) => loss(t, y, { mask }))(x))))(z),
    );
  });
});

describe('hardest', () => {
  /** The number of pixels taken when all are equally hard. */
  const taken = (count: number, hardest: number, mask?: tf.Tensor) => {
    const values = lossNamed('crossEntropyLoss')(tf.zeros([1, count], 'int32'), tf.zeros([1, count, 2]), {
      hardest,
      mask,
      reduction: 'none',
    });
    return tf.sum(chosen(values)).dataSync()[0];
  };

  test.each([
    [10, 0.1, 1],
    [10, 0.7, 7],
    [100, 0.07, 7],
    [100, 0.071, 8],
    [7, 0.01, 1],
    [3, 0.34, 2],
    [1000, 0.999, 999],
    [5, 1, 5],
  ])('of %d equal pixels at %d takes exactly %d, with and without a mask', (count, hardest, expected) => {
    expect(taken(count, hardest)).toBe(expected);
    const mask = tf.concat([tf.zeros([1, 13]), tf.ones([1, count])], 1);
    expect(taken(count + 13, hardest, mask)).toBe(expected);
  });

  test('chooses separately in each sample', () => {
    const mask = tf.tensor([
      [1, 1, 1, 1, 1, 1],
      [1, 1, 0, 0, 0, 0],
    ]);
    const values = lossNamed('crossEntropyLoss')(tf.zeros([2, 6], 'int32'), tf.zeros([2, 6, 2]), {
      hardest: 0.5,
      mask,
      reduction: 'none',
    });
    expect([...tf.sum(chosen(values), 1).dataSync()]).toEqual([3, 1]);
  });
});
