import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  crossEntropyLoss,
  diceLoss,
  iouLoss,
  lossFromOverlap,
  mergeOverlaps,
  overlap,
  tverskyLoss,
  type SumName,
} from '../../src/index.js';
import { centralDifference, map, overlap as referenceOverlap, sum, type NdArray } from '../reference/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { tensorOptions, type Options } from '../support/oracle.js';
import { randomArray, randomDistribution, randomIndices, randomLogits } from '../support/random.js';

const SUMS: SumName[] = [
  'intersection',
  'predicted',
  'labelled',
  'difference',
  'minimum',
  'predictedSquared',
  'labelledSquared',
  'crossEntropy',
];
const shape = [2, 3, 5, 3];
const logits = randomLogits(shape, 1);
const soft = randomDistribution(shape, 2, 3);
const indices = randomIndices([2, 3, 5], 3, 3);
const mask = map(randomArray([2, 3, 5], 4, 0, 2), (w) => (w < 0.5 ? 0 : w));

const PROBLEMS: [string, NdArray, Options][] = [
  ['soft labels', soft, {}],
  ['soft labels, mask', soft, { mask, sharpness: 2 }],
  ['soft labels, sigmoid', soft, { activation: 'sigmoid', mask }],
  ['soft labels, probabilities', soft, { activation: 'none' }],
  ['class indices', indices, { mask, ignoreLabel: 1 }],
];

describe('overlap', () => {
  test.each(PROBLEMS)('gives every sum of the oracle, and its gradients: %s', (_, labels, options) => {
    const z = options['activation'] === 'none' ? map(logits, (v) => Math.fround(0.5 + v / 8)) : logits;
    const expected = referenceOverlap(labels, z, options);
    const table = overlap(toTensor(labels), toTensor(z), tensorOptions(options));
    expectClose(table.valid, expected.valid);
    for (const name of SUMS) {
      expectClose(table[name], expected[name]);
      // Each class has one factor: the probabilities of a pixel add up to 1 for any logits.
      const one = (t: tf.Tensor, x: tf.Tensor) =>
        tf.sum(tf.mul(overlap(t, x, { ...tensorOptions(options), sums: [name] })[name], tf.tensor([1, 2, 3])));
      const total = (t: NdArray, x: NdArray) =>
        sum(referenceOverlap(t, x, options)[name].data.map((value, i) => value * (1 + (i % 3))));
      expectClose(
        tf.grad((x) => one(toTensor(labels), x))(toTensor(z)),
        centralDifference((x) => total(labels, x), z),
      );
      if (labels === indices) continue;
      expectClose(
        tf.grad((t) => one(t, toTensor(z)))(toTensor(labels)),
        centralDifference((t) => total(t, z), labels),
      );
    }
  });

  test('gives only the requested sums', () => {
    const table = overlap(toTensor(soft), toTensor(logits), { sums: ['difference', 'predicted'] });
    expect(Object.keys(table).sort()).toEqual(['difference', 'predicted', 'valid']);
    const valid = overlap(toTensor(soft), toTensor(logits), { sums: [] });
    expectClose(valid.valid, tf.tensor([15, 15]));
  });

  test('gives each sum by its name, in any order and with repetitions', () => {
    const [t, z] = [toTensor(soft), toTensor(logits)];
    const all = overlap(t, z);
    const asked: SumName[] = ['crossEntropy', ...SUMS.toReversed(), 'predicted', 'predicted'];
    for (const options of [{}, { mask: tf.ones([2, 3, 5]) }]) {
      const table = overlap(t, z, { ...options, sums: asked });
      for (const name of SUMS) expectClose(table[name], all[name], 1e-6);
      expectClose(table.valid, all.valid);
      const { predicted, intersection } = overlap(t, z, { ...options, sums: ['predicted', 'intersection'] });
      expectClose(predicted, all.predicted, 1e-6);
      expectClose(intersection, all.intersection, 1e-6);
    }
    expectClose(
      lossFromOverlap(iouLoss, overlap(t, z, { sums: ['difference', 'labelled', 'predicted'] })),
      iouLoss(t, z),
    );
  });

  test('refuses unknown sums and options', () => {
    const [t, z] = [toTensor(soft), toTensor(logits)];
    expect(() => overlap(t, z, { sums: ['union' as SumName] })).toThrow("overlap: sums must be 'intersection',");
    expect(() => overlap(t, z, { reduction: 'mean' } as object)).toThrow("overlap: unknown option 'reduction'");
  });

  test('leaves no tensor except its table', () => {
    const [t, z] = [toTensor(soft), toTensor(logits)];
    const before = tf.memory().numTensors;
    tf.dispose(overlap(t, z));
    expect(tf.memory().numTensors).toBe(before);
  });

  test('differentiates a loss of a user’s own', () => {
    const own = (t: tf.Tensor, z: tf.Tensor) => {
      const { intersection, predicted, labelled } = overlap(t, z);
      return tf.sub(1, tf.mean(tf.div(tf.mul(2, intersection), tf.add(predicted, labelled))));
    };
    const dice = (t: tf.Tensor, z: tf.Tensor) => diceLoss(t, z, { overlap: 'product' });
    expectClose(own(toTensor(soft), toTensor(logits)), dice(toTensor(soft), toTensor(logits)));
    expectClose(
      tf.grad((z) => own(toTensor(soft), z))(toTensor(logits)),
      tf.grad((z) => dice(toTensor(soft), z))(toTensor(logits)),
    );
  });
});

describe('sums over many pixels', () => {
  test.each([512 * 512, 509 * 2, 65537, 100003])('are exact over %d pixels', (pixels) => {
    // Added one float32 after the other, 512×512 pixels would be off by 0.25 %.
    const p = tf.fill([1, pixels, 1], 0.1);
    const { predicted, valid } = overlap(tf.zerosLike(p), p, {
      activation: 'none',
      sums: ['predicted'],
      mask: tf.fill([1, pixels], 0.1),
    });
    const tenth = Math.fround(0.1);
    expect(Math.abs(predicted.dataSync()[0]! / (pixels * tenth * tenth) - 1)).toBeLessThan(1e-6);
    expect(Math.abs(valid.dataSync()[0]! / (pixels * tenth) - 1)).toBeLessThan(1e-6);
  });
});

describe('mergeOverlaps', () => {
  const half = (x: tf.Tensor, begin: number, size: number) => tf.slice(x, [0, begin], [2, size]);

  test.each([
    ['iou', iouLoss, { smooth: 1 }],
    ['dice', diceLoss, { squared: true, classWeights: [1, 2, 3] }],
    ['tversky', tverskyLoss, { alpha: 0.3, aggregate: 'batch' }],
    ['crossEntropy', crossEntropyLoss, { classes: [1, 2], reduction: 'sample' }],
  ] as const)('of tiles gives the loss of the whole: %s', (_, loss, options) => {
    const t = toTensor(soft);
    const tiled = (z: tf.Tensor) =>
      (lossFromOverlap as (loss: unknown, table: object, options: object) => tf.Tensor)(
        loss,
        mergeOverlaps(overlap(half(t, 0, 1), half(z, 0, 1)), overlap(half(t, 1, 2), half(z, 1, 2))),
        options,
      );
    const whole = (z: tf.Tensor) => (loss as (t: tf.Tensor, z: tf.Tensor, options: object) => tf.Tensor)(t, z, options);
    const z = toTensor(logits);
    expectClose(tiled(z), whole(z));
    expectClose(tf.grad((x) => tf.sum(tiled(x)))(z), tf.grad((x) => tf.sum(whole(x)))(z));
  });

  test('refuses tables that do not match, and a missing table', () => {
    const [t, z] = [toTensor(soft), toTensor(logits)];
    const all = overlap(t, z);
    const some = overlap(t, z, { sums: ['predicted'] });
    const fewer = overlap(tf.slice(t, [0], [1]), tf.slice(z, [0], [1]));
    expect(() => mergeOverlaps(all, some as typeof all)).toThrow(
      'mergeOverlaps: tables differ in their sums: intersection,',
    );
    expect(() => mergeOverlaps(all, fewer)).toThrow(
      'mergeOverlaps: tables differ in the shape of intersection: [2,3] and [1,3]',
    );
    expect(() => mergeOverlaps()).toThrow('mergeOverlaps: needs at least one table');
    expect(() => mergeOverlaps(1 as unknown as typeof all)).toThrow('mergeOverlaps: takes tables of overlap(), got 1');
    expect(() => mergeOverlaps({} as typeof all)).toThrow(
      "mergeOverlaps: takes tables of overlap(), got one without 'valid'",
    );
  });
});
