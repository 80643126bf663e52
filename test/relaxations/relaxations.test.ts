import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  checkValues,
  powerSharpen,
  softOneHot,
  softThreshold,
  straightThroughOneHot,
  straightThroughThreshold,
} from '../../src/index.js';
import * as reference from '../reference/index.js';
import type { NdArray } from '../reference/index.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import { randomArray, randomLogits } from '../support/random.js';

const shape = [2, 3, 4];
const logits = randomLogits(shape, 1);
const values = randomArray(shape, 2, 0.01, 0.99);
const factors = randomArray(shape, 3, -1, 1);

type Relax = (x: tf.Tensor) => tf.Tensor;
type ReferenceRelax = (x: NdArray) => NdArray;

/** Compares the value, the gradient, and the second derivative along `factors`. */
function expectLikeOracle(relax: Relax, expected: ReferenceRelax, input: NdArray): void {
  const weighted = (x: tf.Tensor) => tf.sum(tf.mul(relax(x), toTensor(factors)));
  const total = (x: NdArray) => reference.sum(expected(x).data.map((value, i) => value * factors.data[i]!));
  expectClose(relax(toTensor(input)), expected(input));
  expectClose(tf.grad(weighted)(toTensor(input)), reference.centralDifference(total, input));
  const slope = (x: tf.Tensor) => tf.sum(tf.mul(tf.grad(weighted)(x), toTensor(factors)));
  const referenceSlope = (x: NdArray) => {
    const along = (by: number) => total(reference.map(x, (value, i) => value + by * factors.data[i]!));
    return (along(1e-4) - along(-1e-4)) / 2e-4;
  };
  expectClose(tf.grad(slope)(toTensor(input)), reference.centralDifference(referenceSlope, input, 1e-4), 3e-5);
}

describe('softOneHot', () => {
  test.each([
    [{}],
    [{ sharpness: 4 }],
    [{ axis: 0 }],
    [{ axis: 1, sharpness: 0.5 }],
    [{ axis: -2, sharpness: 2 }],
    [{ axis: 2 }],
  ])('equals the oracle with %j', (options) => {
    expectLikeOracle(
      (x) => softOneHot(x, options),
      (x) => reference.softOneHot(x, options),
      logits,
    );
  });

  test('approaches one-hot, and stays finite at large logits and -Infinity', () => {
    expectClose(softOneHot(tf.tensor([1, 3, 2]), { sharpness: 100 }), tf.tensor([0, 1, 0]));
    expectClose(softOneHot(tf.tensor([1e4, -1e4, -Infinity])), tf.tensor([1, 0, 0]));
    expectFinite(tf.grad((x) => tf.sum(tf.square(softOneHot(x))))(tf.tensor([1e4, -1e4, -Infinity])));
  });

  test('refuses invalid arguments', () => {
    const x = toTensor(logits);
    expect(() => softOneHot(x, { sharpness: 0 })).toThrow('softOneHot: sharpness must be a number > 0, got 0');
    expect(() => softOneHot(x, { axis: 3 })).toThrow(
      'softOneHot: axis must be an integer in -3..2 for shape [2,3,4], got 3',
    );
    expect(() => softOneHot(x, { alpha: 2 } as object)).toThrow(
      "softOneHot: unknown option 'alpha'; it takes sharpness, axis",
    );
    expect(() => softOneHot(tf.ones([2], 'int32'))).toThrow('softOneHot: logits must be float32, got int32');
    expect(() => softOneHot([1] as unknown as tf.Tensor)).toThrow('softOneHot: logits must be a tf.Tensor, got [1]');
  });
});

describe('softThreshold', () => {
  test.each([[{}], [{ sharpness: 4 }], [{ sharpness: 0.25 }]])('equals the oracle with %j', (options) => {
    expectLikeOracle(
      (x) => softThreshold(x, options),
      (x) => reference.softThreshold(x, options),
      logits,
    );
  });

  test('has the gradients at ±2 that the docs give', () => {
    const slope = (sharpness: number) =>
      tf
        .grad((x) => tf.sum(softThreshold(x, { sharpness })))(tf.tensor([2]))
        .dataSync()[0]!;
    expect(slope(1)).toBeCloseTo(0.105, 3);
    expect(slope(4)).toBeCloseTo(1.3e-3, 4);
    expect(slope(8)).toBeCloseTo(9e-7, 7);
  });

  test('refuses invalid arguments', () => {
    expect(() => softThreshold(toTensor(logits), { sharpness: -1 })).toThrow(
      'softThreshold: sharpness must be a number > 0, got -1',
    );
    expect(() => softThreshold(toTensor(logits), { axis: 1 } as object)).toThrow(
      "softThreshold: unknown option 'axis'",
    );
  });
});

describe('straight-through relaxations', () => {
  test('give hard values, with the first maximum in a tie', () => {
    expectClose(straightThroughOneHot(tf.tensor([1, 3, 3])), tf.tensor([0, 1, 0]));
    for (const axis of [0, 1, 2, -2]) {
      expectClose(
        straightThroughOneHot(toTensor(logits), { axis, sharpness: 2 }),
        reference.straightThroughOneHot(logits, { axis }),
      );
    }
    expectClose(straightThroughThreshold(tf.tensor([-1, 0, 2])), tf.tensor([0, 0, 1]));
  });

  test('have the gradients of softOneHot and softThreshold', () => {
    const along = (f: Relax) => tf.grad((x) => tf.sum(tf.mul(f(x), toTensor(factors))))(toTensor(logits));
    for (const axis of [0, 1, 2, -1]) {
      const options = { axis, sharpness: 3 };
      expectClose(
        along((x) => straightThroughOneHot(x, options)),
        along((x) => softOneHot(x, options)),
      );
    }
    const options = { sharpness: 3 };
    expectClose(
      along((x) => straightThroughThreshold(x, options)),
      along((x) => softThreshold(x, options)),
    );
  });

  test('refuse invalid arguments under their own names', () => {
    expect(() => straightThroughOneHot(toTensor(logits), { sharpness: 0 })).toThrow(
      'straightThroughOneHot: sharpness must',
    );
    expect(() => straightThroughThreshold(toTensor(logits), { sharpness: 0 })).toThrow(
      'straightThroughThreshold: sharpness',
    );
  });
});

describe('powerSharpen', () => {
  afterEach(() => checkValues('first'));

  /** The published values of this relaxation. */
  const figures: [number, number[]][] = [
    [2, [0.017, 0.2636, 0.9337, 0.5125, 0.3254]],
    [3, [0.0022, 0.1353, 0.9829, 0.3669, 0.1857]],
    [5, [3.7761e-5, 3.5664e-2, 9.9887e-1, 1.8803e-1, 6.0419e-2]],
    [10, [1.4259e-9, 1.2719e-3, 1.0, 3.5355e-2, 3.6504e-3]],
  ];

  test.each(figures)('gives the published values at power %d', (power, expected) => {
    const published = tf.tensor([0.1304, 0.5134, 0.7426, 0.7159, 0.5705]);
    const actual = powerSharpen(published, power).dataSync();
    expected.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThan(Math.max(6e-5, value * 5e-4)));
  });

  test('gives the published gradient of the mean over powers 1 to 19', () => {
    const powers = Array.from({ length: 19 }, (_, i) => i + 1);
    const mean = (v: tf.Tensor) => tf.mean(tf.stack(powers.map((power) => powerSharpen(v, power))));
    const gradient = tf
      .grad(mean)(tf.tensor([0.2, 0.4, 0.6, 0.8]))
      .dataSync();
    [0.0206, 0.0365, 0.0822, 0.0206].forEach((value, i) => expect(gradient[i]).toBeCloseTo(value, 4));
  });

  test.each([
    [1, {}],
    [2, {}],
    [2.5, { axis: 0 }],
    [4, { axis: 1 }],
    [7, { axis: -2 }],
  ])('equals the oracle at power %d with %j', (power, options) => {
    expectLikeOracle(
      (x) => powerSharpen(x, power, options),
      (x) => reference.powerSharpen(x, power, options),
      values,
    );
  });

  test('treats all maxima of a tie alike, and is finite at 0 and 1', () => {
    expectClose(powerSharpen(tf.tensor([0.5, 0.5, 0.2]), 2), tf.tensor([0.75, 0.75, 0.04]));
    for (const power of [1, 1.5, 2, 9]) {
      expectFinite(tf.grad((v) => tf.sum(powerSharpen(v, power)))(tf.tensor([0, 1, 0.3, 0])));
    }
  });

  test('refuses powers below 1, axes out of range, and, with value checks, values outside [0, 1]', () => {
    const v = tf.tensor([0.5, 1.5]);
    expect(() => powerSharpen(v, 0.5)).toThrow('powerSharpen: power must be a number >= 1, got 0.5');
    expect(() => powerSharpen(v, NaN)).toThrow('powerSharpen: power must be a number >= 1, got NaN');
    expect(() => powerSharpen(v, 2, { axis: 1 })).toThrow('powerSharpen: axis must be an integer in -1..0');
    checkValues('never');
    expect(() => powerSharpen(v, 2)).not.toThrow();
    checkValues('first');
    expect(() => powerSharpen(v, 2)).toThrow('powerSharpen: values must lie in [0, 1], got 1.5');
  });
});

test('relaxations leave no tensor except their result, forward and backward', () => {
  const x = toTensor(values);
  const relaxations: Relax[] = [
    (v) => softOneHot(v, { axis: 1, sharpness: 2 }),
    (v) => softThreshold(v, { sharpness: 2 }),
    (v) => straightThroughOneHot(v, { axis: 1 }),
    (v) => straightThroughThreshold(v),
    (v) => powerSharpen(v, 3),
  ];
  const before = tf.memory().numTensors;
  for (const relax of relaxations) {
    relax(x).dispose();
    tf.grad((v) => tf.sum(relax(v)))(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
  }
});
