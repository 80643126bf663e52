/** The properties that set the region losses apart; those that hold for all of them are tested elsewhere. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  diceLoss,
  generalizedDiceLoss,
  logCoshDiceLoss,
  lossFromOverlap,
  mccLoss,
  mergeOverlaps,
  overlap,
} from '../../src/index.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import { lossNamed, REGION_LOSSES } from '../support/oracle.js';
import { randomDistribution, randomIndices, randomLabels, randomLogits } from '../support/random.js';

const SHAPE = [2, 4, 6, 3];
const labels = () => toTensor(randomDistribution(SHAPE, 1, 3));
const logits = () => toTensor(randomLogits(SHAPE, 2));
const value = (x: tf.Tensor) => x.dataSync()[0]!;
const largest = (x: tf.Tensor) => Math.max(...x.dataSync().map(Math.abs));

describe.each(REGION_LOSSES)('%s', (name) => {
  const loss = lossNamed(name);
  const fromOverlap = (table: object, options = {}) => lossFromOverlap(loss as typeof diceLoss, table, options);

  test('and its gradient are the same from merged sums of pieces as for the whole, with every option', () => {
    for (const options of [{}, { overlap: 'product', reduction: 'none' }, { smooth: 1, reduction: 'sample' }]) {
      const pieces = (z: tf.Tensor) => {
        const [t0, t1] = tf.split(labels(), 2, 2);
        const [z0, z1] = tf.split(z, 2, 2);
        return fromOverlap(mergeOverlaps(overlap(t0!, z0!), overlap(t1!, z1!)), options);
      };
      expectClose(pieces(logits()), loss(labels(), logits(), options));
      expectClose(
        tf.grad((z) => tf.sum(pieces(z)))(logits()),
        tf.grad((z) => tf.sum(loss(labels(), z, options)))(logits()),
      );
    }
  });

  test('refuses a table without the sums that it needs', () => {
    const table = overlap(labels(), logits(), { sums: ['predicted', 'labelled'] });
    expect(() => fromOverlap(table)).toThrow(`lossFromOverlap: the table has no 'minimum'`);
  });
});

describe('generalizedDiceLoss', () => {
  test('gives [N, 1] with reduction none, [1, 1] for a batch, and sums and means over samples', () => {
    const samples = generalizedDiceLoss(labels(), logits(), { reduction: 'sample' });
    expect(samples.shape).toEqual([2]);
    expectClose(generalizedDiceLoss(labels(), logits(), { reduction: 'none' }), samples.reshape([2, 1]));
    expectClose(generalizedDiceLoss(labels(), logits(), { reduction: 'sum' }), tf.sum(samples));
    expectClose(generalizedDiceLoss(labels(), logits()), tf.mean(samples));
    const batch = generalizedDiceLoss(labels(), logits(), { reduction: 'none', aggregate: 'batch' });
    expect(batch.shape).toEqual([1, 1]);
  });

  test('equals Dice for one class, with any weighting', () => {
    const t = toTensor(randomLabels([2, 5, 1], 3));
    const z = toTensor(randomLogits([2, 5, 1], 4));
    for (const weighting of ['square', 'simple', 'uniform'] as const) {
      expectClose(generalizedDiceLoss(t, z, { weighting, smooth: 1 }), diceLoss(t, z, { smooth: 1 }));
    }
  });

  test('with uniform weighting equals Dice over all classes joined into one', () => {
    const sums = overlap(labels(), logits());
    const all = tf.sub(1, tf.div(tf.sub(48, tf.sum(sums.difference, 1)), 48));
    expectClose(generalizedDiceLoss(labels(), logits(), { weighting: 'uniform', reduction: 'sample' }), all);
  });

  test('counts a small class as much as a large one', () => {
    // Class 1 has one pixel of 64. Missing it costs nearly half with weighting by squares, and almost nothing without.
    const t = tf.concat([tf.ones([1, 1], 'int32'), tf.zeros([1, 63], 'int32')], 1);
    const p = tf.oneHot(tf.zeros([1, 64], 'int32'), 2).toFloat();
    const at = (weighting: 'square' | 'uniform') => value(generalizedDiceLoss(t, p, { weighting, activation: 'none' }));
    // v = 1 and 1/63²: 1 - 2·63/63² / (127/63² + 1).
    expect(at('square')).toBeCloseTo(1 - 126 / (127 + 63 ** 2), 5);
    expect(at('uniform')).toBeCloseTo(1 / 64, 5);
  });

  test('gives an absent class no weight, and under penalize its mean probability', () => {
    const t = tf.zeros([1, 4], 'int32');
    const z = tf.zeros([1, 4, 2]);
    const present = value(diceLoss(t, z, { classes: [0] }));
    expect(value(generalizedDiceLoss(t, z))).toBeCloseTo(present, 6);
    expect(value(generalizedDiceLoss(t, z, { absent: 'smooth' }))).toBeCloseTo(present, 6);
    const penalized = generalizedDiceLoss(t, z, { absent: 'penalize', classWeights: [1, 3] });
    expect(value(penalized)).toBeCloseTo((present + 3 * 0.5) / 4, 6);
  });

  test('does not lose small or large classes to the range of float32', () => {
    // T is 1e-6 and 1e6, so the squares differ by 24 orders of magnitude.
    const table = {
      predicted: tf.tensor2d([[2e-6, 1e6]]),
      labelled: tf.tensor2d([[1e-6, 1e6]]),
      difference: tf.tensor2d([[1e-6, 0]]),
      valid: tf.tensor1d([1e6]),
    };
    expectClose(lossFromOverlap(generalizedDiceLoss, table), tf.scalar(1 / 3));
  });
});

describe.each(['square', 'simple'] as const)('generalizedDiceLoss with weighting %s', (weighting) => {
  test.each([1e-5, 1e-12, 1e-20, 1e-30])('counts a class whose labels are %d', (small) => {
    const t = tf.tensor([1, small, 1, 0], [1, 2, 2]);
    const z = tf.tensor([1, 0, 0, 2], [1, 2, 2]);
    const loss = (x: tf.Tensor) => generalizedDiceLoss(t, x, { weighting, activation: 'sigmoid' });
    // Nearly all of the weight is on the second class, whose Dice is 2·small/(small + P).
    const [z0, z1] = [0, 2].map((x) => 1 / (1 + Math.exp(-x)));
    const rest = weighting === 'simple' ? small * 2 : 0; // v of the first class, and 1 - 2I/(P + T) of it below
    const expected = 1 - (2 * small) / (small + z0! + z1!);
    expect(Math.abs(value(loss(z)) - expected)).toBeLessThan(1e-6 + 3 * rest);
    expect(tf.grad(loss)(z).dataSync().every(Number.isFinite)).toBe(true);
    expect(
      tf
        .grad((x) => generalizedDiceLoss(x, z, { weighting, activation: 'sigmoid' }))(t)
        .dataSync()
        .every(Number.isFinite),
    ).toBe(true);
  });
});

describe('diceLoss with log', () => {
  test('is the negative logarithm of the coefficient', () => {
    const coefficient = tf.sub(1, diceLoss(labels(), logits(), { reduction: 'none' }));
    expectClose(diceLoss(labels(), logits(), { reduction: 'none', log: true }), tf.neg(tf.log(coefficient)));
  });

  test('is finite at a coefficient of 0, with a gradient that leads away from it', () => {
    const t = tf.tensor([[1, 0, 0, 0]], [1, 4, 1]);
    const p = tf.tensor([[0, 1, 1, 0]], [1, 4, 1]);
    const loss = (x: tf.Tensor) => diceLoss(t, x, { activation: 'none', log: true, overlap: 'product' });
    expect(value(loss(p))).toBeCloseTo(Math.log(1e6) + 1, 4);
    const gradient = tf.grad(loss)(p);
    expectFinite(gradient);
    expect(gradient.dataSync()[0]).toBeLessThan(-1);
  });
});

describe('logCoshDiceLoss', () => {
  test('is log(cosh) of the Dice loss, also close to 0', () => {
    const t = tf.fill([1, 1000, 1], 0.5);
    for (const p of [0.5, 0.5001, 0.51, 0.9, 1]) {
      const z = tf.fill([1, 1000, 1], p);
      const dice = value(diceLoss(t, z, { activation: 'none' }));
      const own = value(logCoshDiceLoss(t, z, { activation: 'none' }));
      expect(Math.abs(own - Math.log(Math.cosh(dice)))).toBeLessThan(1e-7);
    }
  });

  test('has a gradient that vanishes towards p = t, unlike that of Dice', () => {
    const t = tf.fill([1, 8, 1], 0.5);
    const p = tf.fill([1, 8, 1], 0.501);
    expect(largest(tf.grad((x) => logCoshDiceLoss(t, x, { activation: 'none' }))(p))).toBeLessThan(1e-3);
    expect(largest(tf.grad((x) => diceLoss(t, x, { activation: 'none' }))(p))).toBeGreaterThan(0.1);
  });
});

describe('mccLoss', () => {
  const hard = () => tf.oneHot(toTensor(randomIndices([2, 4, 6], 5, 2)), 2).toFloat();

  test('stays the same when class and background are exchanged', () => {
    const t = tf.slice(hard(), [0, 0, 0, 0], [2, 4, 6, 1]);
    const z = toTensor(randomLogits([2, 4, 6, 1], 6));
    for (const options of [{}, { smooth: 1 }, { overlap: 'product' }] as const) {
      expectClose(mccLoss(t, z, options), mccLoss(tf.sub(1, t), tf.neg(z), options));
    }
  });

  test('is 0, 1 and 2 for correct, unrelated and opposite hard predictions', () => {
    const t = tf.tensor([[1, 1, 0, 0]], [1, 4, 1]);
    const at = (p: number[]) => value(mccLoss(t, tf.tensor([p], [1, 4, 1]), { activation: 'none' }));
    expect(at([1, 1, 0, 0])).toBeCloseTo(0, 6);
    expect(at([1, 0, 1, 0])).toBeCloseTo(1, 6);
    expect(at([0, 0, 1, 1])).toBeCloseTo(2, 6);
  });

  test('is the mean of 1 - p if all labels are 1, with a gradient', () => {
    const p = tf.tensor([[0.9, 0.5, 1, 0]], [1, 4, 1]);
    const loss = (x: tf.Tensor) => mccLoss(tf.ones([1, 4, 1]), x, { activation: 'none' });
    expect(value(loss(p))).toBeCloseTo(0.4, 6);
    expectClose(tf.grad(loss)(p), tf.fill([1, 4, 1], -0.25));
    // Sums of these weights are rounded, but T must still equal V.
    const mask = toTensor(randomLabels([1, 997], 7));
    const z = tf.fill([1, 997, 1], 0.25);
    expect(value(mccLoss(tf.ones([1, 997, 1]), z, { activation: 'none', mask }))).toBeCloseTo(0.75, 5);
  });

  test('is 1 if all predictions are 0 or all are 1, and their mean in an empty image', () => {
    const t = tf.tensor([[1, 1, 0, 0]], [1, 4, 1]);
    for (const p of [0, 1]) {
      const loss = (x: tf.Tensor) => mccLoss(t, x, { activation: 'none' });
      expect(value(loss(tf.fill([1, 4, 1], p)))).toBeCloseTo(1, 6);
      expectFinite(tf.grad(loss)(tf.fill([1, 4, 1], p)));
      for (const absent of ['penalize', 'smooth'] as const) {
        const empty = mccLoss(tf.zeros([1, 4, 1]), tf.fill([1, 4, 1], p), { activation: 'none', absent });
        expect(value(empty)).toBeCloseTo(p, 6);
      }
    }
  });

  test('has the correct gradient for a class with one pixel in a million', () => {
    const table = (intersection: number, predicted: number) => ({
      intersection: tf.tensor2d([[intersection]]),
      predicted: tf.tensor2d([[predicted]]),
      labelled: tf.tensor2d([[1]]),
      valid: tf.tensor1d([1e6]),
    });
    const loss = (sums: object, options: object) => lossFromOverlap(mccLoss, sums, options);
    const mcc = (i: number, p: number) => 1 - (i - p / 1e6) / Math.sqrt(p * (1 - p / 1e6) * (1 - 1e-6));
    expect(value(loss(table(0.01, 0.04), { overlap: 'product' }))).toBeCloseTo(mcc(0.01, 0.04), 5);
    const gradient = tf.grad((p) =>
      loss({ ...table(0.01, 0.04), predicted: p as tf.Tensor2D }, { overlap: 'product' }),
    )(tf.tensor2d([[0.04]]));
    const h = 1e-5;
    const expected = (mcc(0.01, 0.04 + h) - mcc(0.01, 0.04 - h)) / (2 * h);
    expect(value(gradient) / expected).toBeCloseTo(1, 4);
  });
});
