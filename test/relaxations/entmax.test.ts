import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { entmax, entmax15, softOneHot, sparsemax } from '../../src/index.js';
import * as reference from '../reference/index.js';
import type { NdArray } from '../reference/index.js';
import * as exact from '../reference/entmax.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import { randomArray, randomLogits, randomNumbers } from '../support/random.js';

const shape = [2, 3, 4];
const logits = randomLogits(shape, 1);
const factors = randomArray(shape, 3, -1, 1);

type Relax = (z: tf.Tensor) => tf.Tensor;
type ReferenceRelax = (z: NdArray) => NdArray;

/** By name: the function, and the alpha it stands for. */
const RELAXATIONS: [string, (z: tf.Tensor, options: { axis?: number }) => tf.Tensor, number][] = [
  ['sparsemax', sparsemax, 2],
  ['entmax15', entmax15, 1.5],
  ['entmax of alpha 1.1', (z, options) => entmax(z, { alpha: 1.1, ...options }), 1.1],
  ['entmax of alpha 1.5', (z, options) => entmax(z, { alpha: 1.5, ...options }), 1.5],
  ['entmax of alpha 2', (z, options) => entmax(z, { alpha: 2, ...options }), 2],
  ['entmax of alpha 3', (z, options) => entmax(z, { alpha: 3, ...options }), 3],
];

/** Compares the value, the gradient, and the second derivative along `factors`. */
function expectLikeOracle(relax: Relax, expected: ReferenceRelax): void {
  const weighted = (z: tf.Tensor) => tf.sum(tf.mul(relax(z), toTensor(factors)));
  const total = (z: NdArray) => reference.sum(expected(z).data.map((value, i) => value * factors.data[i]!));
  const z = toTensor(logits);
  expectClose(relax(z), expected(logits), 2e-6);
  expectClose(tf.grad(weighted)(z), reference.centralDifference(total, logits));
  const slope = (x: tf.Tensor) => tf.sum(tf.mul(tf.grad(weighted)(x), toTensor(factors)));
  const referenceSlope = (x: NdArray) => {
    const along = (by: number) => total(reference.map(x, (value, i) => value + by * factors.data[i]!));
    return (along(1e-4) - along(-1e-4)) / 2e-4;
  };
  const second = reference.centralDifference(referenceSlope, logits, 1e-4);
  const ours = tf.grad(slope)(z).dataSync();
  // If all are exactly 0, only rounding remains.
  const largest = Math.max(0.05, ...second.data.map(Math.abs));
  expect(Math.max(...second.data.map((value, i) => Math.abs(value - ours[i]!)))).toBeLessThan(1e-4 * largest);
}

describe.each(RELAXATIONS)('%s', (_, relax, alpha) => {
  test.each([[{}], [{ axis: 0 }], [{ axis: 1 }], [{ axis: -2 }], [{ axis: 2 }]])(
    'solves its problem, with correct first and second derivatives, for %j',
    (options) => {
      expectLikeOracle(
        (z) => relax(z, options),
        (z) => exact.entmax(z, { alpha, ...options }),
      );
    },
  );

  test.each([1, 2, 5, 64, 1024])('solves its problem for %d classes', (classes) => {
    for (const spread of [0.01, 1, 20]) {
      const z = randomArray([3, classes], classes, -spread, spread);
      const p = relax(toTensor(z), {});
      expectClose(p, exact.entmax(z, { alpha }), 2e-5);
      const values = [...p.dataSync()];
      for (let row = 0; row < 3; row++) {
        const total = reference.sum(values.slice(row * classes, (row + 1) * classes));
        expect(Math.abs(total - 1)).toBeLessThan(1e-6);
      }
      expect(Math.min(...p.dataSync())).toBeGreaterThanOrEqual(0);
    }
  });

  test('gives equal classes equal probabilities, and does not change when all logits are shifted', () => {
    expectClose(relax(tf.fill([1, 8], 3), {}), tf.fill([1, 8], 1 / 8), 1e-6);
    expectClose(relax(tf.tensor([2, 2, -9, -9]), {}), tf.tensor([0.5, 0.5, 0, 0]), 1e-6);
    const z = tf.tensor([0.5, 0.25, 0, -0.75]);
    expectClose(relax(tf.add(z, 64), {}), relax(z, {}), 1e-6);
  });

  test('is exactly 0, with a gradient of 0, for classes far below the maximum', () => {
    const behind = 1 / (alpha - 1);
    const z = tf.tensor([behind, 0, behind - 0.2, -1]);
    expect([...relax(z, {}).dataSync()].map((value) => value > 0)).toEqual([true, false, true, false]);
    const gradient = tf
      .grad((x) => tf.sum(tf.mul(relax(x, {}), tf.tensor([1, 2, 3, 4]))))(z)
      .dataSync();
    expect([gradient[1], gradient[3]].map((value) => Math.abs(value!))).toEqual([0, 0]);
    expect(gradient[2]).toBeGreaterThan(0.01);
  });

  test('is finite, with its gradients, for extreme logits, ties and -Infinity', () => {
    const rows = [
      [1e4, -1e4, -Infinity, 0],
      [1e4, 1e4, -1e4, 1e4],
      [0, -Infinity, -Infinity, -Infinity],
      [-1e4, -1e4, -1e4, -1e4],
      [0, 1e-30, -1e-30, 1e-7],
    ];
    const z = tf.tensor(rows);
    const p = relax(z, {});
    expectFinite(p);
    expectClose(
      tf.slice(p, [0, 0], [4, 4]),
      tf.tensor([
        [1, 0, 0, 0],
        [1 / 3, 1 / 3, 0, 1 / 3],
        [1, 0, 0, 0],
        [0.25, 0.25, 0.25, 0.25],
      ]),
      1e-6,
    );
    const slope = (x: tf.Tensor) => tf.sum(tf.mul(relax(x, {}), tf.tensor([1, 2, 3, 4])));
    expectFinite(tf.grad(slope)(z));
    expectFinite(tf.grad((x) => tf.sum(tf.square(tf.grad(slope)(x))))(z));
  });

  test('keeps NaN visible, in its row alone', () => {
    const p = relax(
      tf.tensor([
        [0, NaN, 1],
        [0, 0, 0],
      ]),
      {},
    ).dataSync();
    expect([...p.subarray(0, 3)].every(Number.isNaN)).toBe(true);
    expectFinite(tf.tensor(p.slice(3)));
  });

  test('leaves no tensor', () => {
    const z = toTensor(logits);
    const before = tf.memory().numTensors;
    relax(z, { axis: 1 }).dispose();
    tf.grad((x) => tf.sum(tf.square(relax(x, { axis: 1 }))))(z).dispose();
    expect(() => relax(z, { axis: 3 })).toThrow('axis must be an integer in -3..2 for shape [2,3,4], got 3');
    expect(tf.memory().numTensors).toBe(before);
  });
});

/** Logits with ties, small and large gaps, and classes far below the maximum. */
function hardRows(classes: number, seed: number): number[][] {
  const random = randomNumbers(seed);
  const fill = (value: (i: number) => number) => Array.from({ length: classes }, (_, i) => Math.fround(value(i)));
  return [
    fill(() => 0),
    fill(() => 4 * random() - 2),
    fill((i) => (i % 2 === 0 ? 1 : 0)),
    fill((i) => (i < 2 ? 3 : -200 * random())),
    fill((i) => (i === 0 ? 200 : 0)),
    fill((i) => (i % 3 === 0 ? 1e4 : -1e4)),
    fill((i) => -1e-3 * i),
    fill(() => 1e-6 * random()),
  ];
}

const ALPHAS = [1.0001, 1.01, 1.1, 1.5, 1.9, 2, 2.1, 3, 5, 20, 100, 1000];

describe('entmax for any alpha, with ties and gaps up to 1e4', () => {
  test.each(ALPHAS)('solves its problem, with the gradient of the oracle, at alpha %d', (alpha) => {
    for (const classes of [1, 2, 3, 33, 1030]) {
      const rows = hardRows(classes, classes);
      const dy = randomArray([classes], 7 + classes, -1, 1);
      const own = alpha === 2 ? [sparsemax, entmax] : alpha === 1.5 ? [entmax15, entmax] : [entmax];
      for (const f of own) {
        const relax = (z: tf.Tensor) => (f === entmax ? entmax(z, { alpha }) : f(z));
        const p = relax(tf.tensor(rows));
        const value = (z: tf.Tensor) => tf.sum(tf.mul(relax(z), toTensor(dy)));
        const gradient = tf.grad(value)(tf.tensor(rows));
        expectFinite(p);
        expectFinite(gradient);
        rows.forEach((row, r) => {
          const expected = exact.entmax(reference.ndarray(row), { alpha });
          const ours = tf.slice(p, [r, 0], [1, classes]);
          expectClose(tf.squeeze(ours, [0]), expected, 3e-5);
          expect(Math.abs(reference.sum(ours.dataSync()) - 1)).toBeLessThan(1e-6);
          const slope = exact.entmaxGradient(row, [...dy.data], alpha);
          const largest = Math.max(...slope.map(Math.abs));
          const found = tf.slice(gradient, [r, 0], [1, classes]).dataSync();
          const worst = Math.max(...slope.map((g, i) => Math.abs(g - found[i]!)));
          expect(worst).toBeLessThanOrEqual(Math.max(5e-4 * largest, 1e-7));
        });
      }
    }
  });
});

describe('entmax', () => {
  test('is sparsemax at alpha 2, entmax15 at 1.5, the default, and close to softmax near 1', () => {
    const z = toTensor(randomLogits([20, 9], 5));
    expectClose(entmax(z, { alpha: 2 }), sparsemax(z), 1e-6);
    expectClose(entmax(z, { alpha: 1.5 }), entmax15(z), 1e-6);
    expectClose(entmax(z), entmax(z, { alpha: 1.5 }), 0);
    expectClose(entmax(z, { alpha: 1.001 }), softOneHot(z), 5e-3);
  });

  test.each([1.2, 1.5, 2, 3])('maximizes Σ p z + its entropy over the simplex at alpha %d', (alpha) => {
    const z = [0.9, 0.4, 0.1];
    const p = entmax(tf.tensor(z), { alpha }).dataSync();
    const best = exact.entmaxObjective(p, z, alpha);
    // The simplex is searched in steps of 1/200.
    let [most, at] = [-Infinity, [0, 0, 0]];
    for (let i = 0; i <= 200; i++) {
      for (let j = 0; i + j <= 200; j++) {
        const other = [i / 200, j / 200, (200 - i - j) / 200];
        const value = exact.entmaxObjective(other, z, alpha);
        if (value > most) [most, at] = [value, other];
      }
    }
    expect(best).toBeGreaterThanOrEqual(most - 1e-6);
    expect(Math.max(...at.map((value, i) => Math.abs(value - p[i]!)))).toBeLessThan(0.01);
  });

  test('is sparser the larger alpha is', () => {
    const z = toTensor(randomArray([1, 50], 6, -1, 1));
    const supports = [1.05, 1.5, 2, 4].map((alpha) => tf.sum(tf.step(entmax(z, { alpha }))).dataSync()[0]!);
    expect(supports).toEqual([...supports].sort((a, b) => b - a));
    expect(supports[0]).toBe(50);
    expect(supports[3]).toBeLessThan(6);
  });

  test('refuses invalid arguments', () => {
    const z = toTensor(logits);
    expect(() => entmax(z, { alpha: 1 })).toThrow('entmax: alpha must be a number > 1, got 1');
    expect(() => entmax(z, { alpha: NaN })).toThrow('entmax: alpha must be a number > 1, got NaN');
    expect(() => entmax(z, { power: 2 } as object)).toThrow("entmax: unknown option 'power'; it takes alpha, axis");
    expect(() => entmax(tf.ones([2], 'int32'))).toThrow('entmax: logits must be float32, got int32');
    expect(() => sparsemax(z, { alpha: 2 } as object)).toThrow("sparsemax: unknown option 'alpha'; it takes axis");
    expect(() => entmax15([1] as unknown as tf.Tensor)).toThrow('entmax15: logits must be a tf.Tensor, got [1]');
  });
});
