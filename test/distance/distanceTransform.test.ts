import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { distanceTransform } from '../../src/index.js';
import { squaredDistances } from '../../src/distance/squaredDistances.js';
import { map, type NdArray } from '../reference/index.js';
import * as reference from '../reference/distance.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomArray, randomNumbers } from '../support/random.js';

function randomMask(shape: readonly number[], seed: number, share: number): NdArray {
  return map(randomArray(shape, seed, 0, 1), (value) => (value < share ? 1 : 0));
}

const CASES: [string, number[], number | number[], number][] = [
  ['a line', [2, 17], 1, 0.7],
  ['a line with spacing', [2, 17], 0.3, 0.7],
  ['two dimensions', [3, 9, 13], 1, 0.8],
  ['two dimensions that are nearly full', [3, 9, 13], 1, 0.98],
  ['two dimensions with spacing', [3, 9, 13], [0.4, 2.5], 0.9],
  ['three dimensions', [2, 5, 6, 7], 1, 0.9],
  ['three dimensions with spacing', [2, 5, 6, 7], [3, 0.5, 0.75], 0.95],
  ['axes of a single pixel', [2, 1, 8, 1], [3, 0.5, 0.75], 0.7],
];

describe('distanceTransform', () => {
  test.each(CASES)('is the distance to the nearest pixel that is 0: %s', (_, shape, spacing, share) => {
    const mask = randomMask(shape, 7, share);
    expectClose(distanceTransform(toTensor(mask), { spacing }), reference.distanceTransform(mask, { spacing }), 1e-7);
  });

  test('is exact in float64: squared distances of unit spacing are whole numbers', () => {
    const random = randomNumbers(3);
    const seeds = Uint8Array.from({ length: 60 * 70 }, () => Number(random() < 0.01));
    const where = [...seeds.keys()].filter((i) => seeds[i]);
    const squared = squaredDistances(seeds, [60, 70], [1, 1]);
    squared.forEach((value, i) => {
      const least = where.reduce((most, j) => {
        const [dy, dx] = [Math.floor(i / 70) - Math.floor(j / 70), (i % 70) - (j % 70)];
        return Math.min(most, dy * dy + dx * dx);
      }, Infinity);
      expect(value).toBe(least);
    });
  });

  test('is 0 in an empty mask, and Infinity in a full one', () => {
    const masks = tf.concat([tf.zeros([1, 3, 4]), tf.ones([1, 3, 4])]);
    const [empty, full] = tf.unstack(distanceTransform(masks));
    expect([...empty!.dataSync()]).toEqual(Array.from({ length: 12 }, () => 0));
    expect([...full!.dataSync()]).toEqual(Array.from({ length: 12 }, () => Infinity));
  });

  test('reads bool and int32 masks as float32 ones', () => {
    const mask = toTensor(randomMask([2, 5, 6], 4, 0.7));
    for (const dtype of ['bool', 'int32'] as const) {
      expectClose(distanceTransform(tf.cast(mask, dtype)), distanceTransform(mask), 0);
    }
  });

  test('scales with the spacing', () => {
    const mask = toTensor(randomMask([2, 6, 7], 5, 0.8));
    expectClose(
      distanceTransform(mask, { spacing: [2.5, 1.25] }),
      tf.mul(distanceTransform(mask, { spacing: [1, 0.5] }), 2.5),
    );
  });

  test('of the transposed mask is the transposed transform', () => {
    const mask = toTensor(randomMask([2, 6, 7], 6, 0.8));
    const turned = distanceTransform(tf.transpose(mask, [0, 2, 1]), { spacing: [2, 3] });
    expectClose(turned, tf.transpose(distanceTransform(mask, { spacing: [3, 2] }), [0, 2, 1]), 1e-7);
  });

  test('refuses tensors without values', () => {
    expect(() => distanceTransform(tf.zeros([0, 3, 4]))).toThrow(
      'distanceTransform: mask of shape [0,3,4] holds no value',
    );
  });

  test('leaves no tensor except its result', () => {
    const mask = tf.ones([2, 3, 4]);
    const before = tf.memory().numTensors;
    distanceTransform(mask).dispose();
    expect(() => distanceTransform(mask, { spacing: -1 })).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  const REFUSED: [string, () => [unknown, object?], string][] = [
    ['a mask that is not a tensor', () => [[[1]]], 'mask must be a tf.Tensor, got [[1]]'],
    ['strings', () => [tf.tensor(['a'], [1, 1])], 'mask must be bool or int32 or float32, got string'],
    ['a mask without spatial axes', () => [tf.zeros([3])], 'needs at least one spatial axis to measure along'],
    ['spacing 0', () => [tf.zeros([1, 3]), { spacing: 0 }], 'spacing must be a number > 0, got 0'],
    [
      'spacing of the wrong length',
      () => [tf.zeros([1, 3, 4]), { spacing: [1] }],
      'spacing must be a number or a list of 2 numbers, one for each of the spatial axes [3,4], got [1]',
    ],
    ['spacing that is NaN', () => [tf.zeros([1, 3]), { spacing: [NaN] }], 'spacing[0] must be a number > 0, got NaN'],
    ['an unknown option', () => [tf.zeros([1, 3]), { sampling: 1 }], "unknown option 'sampling'; it takes spacing"],
  ];
  test.each(REFUSED)('refuses %s', (_, args, message) => {
    const call = () => (distanceTransform as (...all: unknown[]) => tf.Tensor)(...args());
    expect(call).toThrow(`distanceTransform: ${message}`);
  });
});
