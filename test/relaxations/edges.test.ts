/** In every function on labels, NaN shows, ±Infinity has its meaning, and axes of size 1 and 0 have defined results. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  annotatorWeightsFromMasks,
  annotatorWeightsFromVotes,
  checkValues,
  disagreementEntropy,
  distanceTransform,
  entmax,
  entmax15,
  gumbelSoftmax,
  powerSharpen,
  signedDistance,
  softLabelsFromMasks,
  softLabelsFromVotes,
  softOneHot,
  softThreshold,
  sparsemax,
  staple,
  straightThroughOneHot,
  straightThroughThreshold,
} from '../../src/index.js';

type OfTensor = (x: tf.Tensor, axis?: number) => tf.Tensor;

/** Functions that relax along an axis. */
const ALONG: Record<string, OfTensor> = {
  softOneHot: (x, axis = -1) => softOneHot(x, { axis, sharpness: 3 }),
  straightThroughOneHot: (x, axis = -1) => straightThroughOneHot(x, { axis, sharpness: 3 }),
  gumbelSoftmax: (x, axis = -1) => gumbelSoftmax(x, { axis, seed: 1 }),
  'gumbelSoftmax, hard': (x, axis = -1) => gumbelSoftmax(x, { axis, seed: 1, hard: true }),
  powerSharpen: (x, axis = -1) => powerSharpen(x, 3, { axis }),
  sparsemax: (x, axis = -1) => sparsemax(x, { axis }),
  entmax15: (x, axis = -1) => entmax15(x, { axis }),
  'entmax of alpha 1.01': (x, axis = -1) => entmax(x, { axis, alpha: 1.01 }),
  'entmax of alpha 3': (x, axis = -1) => entmax(x, { axis, alpha: 3 }),
};

/** Functions of each value alone. */
const EACH: Record<string, OfTensor> = {
  softThreshold: (x) => softThreshold(x),
  straightThroughThreshold: (x) => straightThroughThreshold(x),
};

const OTHERS: Record<string, OfTensor> = {
  softLabelsFromVotes: (x) => softLabelsFromVotes(x),
  'softLabelsFromVotes with annotators': (x) => softLabelsFromVotes(x, { annotators: 3 }),
  softLabelsFromMasks: (x) => softLabelsFromMasks(x),
  annotatorWeightsFromMasks: (x) => annotatorWeightsFromMasks(x),
  annotatorWeightsFromVotes: (x) => annotatorWeightsFromVotes(x),
  disagreementEntropy: (x) => disagreementEntropy(x),
  'disagreementEntropy, binary': (x) => disagreementEntropy(x, { binary: true }),
  staple: (x) => staple(x).consensus,
  distanceTransform: (x) => distanceTransform(x),
  signedDistance: (x) => signedDistance(x),
};

const nameOf = (name: string) => name.split(/,? /)[0]!;
const all = [...Object.entries(ALONG), ...Object.entries(EACH), ...Object.entries(OTHERS)];
const where = (x: tf.Tensor, is: (value: number) => boolean) => Array.from(x.dataSync(), is);

describe('NaN', () => {
  beforeEach(() => checkValues('never'));
  afterEach(() => checkValues('first'));

  test.each(Object.entries(ALONG))('makes its row NaN, and no other row, in %s', (_, f) => {
    const x = tf.tensor([[NaN, 1, 0], [0, 0.5, 1], [0, 0, NaN], [0, 1, 0], [NaN, NaN, NaN]]); // prettier-ignore
    const expected = [true, false, true, false, true].flatMap((broken) => [broken, broken, broken]);
    expect(where(f(x), Number.isNaN)).toEqual(expected);
    const across = tf.transpose(f(tf.transpose(x), 0));
    expect(where(across, Number.isNaN)).toEqual(expected);
  });

  test.each(Object.entries(EACH))('stays NaN in %s', (_, f) => {
    expect(where(f(tf.tensor([NaN, 1, 0, NaN])), Number.isNaN)).toEqual([true, false, false, true]);
  });

  test('shows in labels from votes and masks, and in weights', () => {
    const votes = tf.tensor([[NaN, 1], [3, 1], [0, 0]]); // prettier-ignore
    expect(where(softLabelsFromVotes(votes), Number.isNaN)).toEqual([true, true, false, false, false, false]);
    expect(where(softLabelsFromVotes(votes, { smoothing: 1 }), Number.isNaN).slice(0, 2)).toEqual([true, true]);
    const counted = softLabelsFromVotes(votes, { annotators: 4 });
    expect(where(counted, Number.isNaN)).toEqual([true, false, false, false, false, false]);
    const masks = tf.tensor([[NaN, 1, -1], [1, 0, -1]]); // prettier-ignore
    expect(where(softLabelsFromMasks(masks, { absentLabel: -1 }), Number.isNaN)).toEqual([true, false, false]);
    const weights = annotatorWeightsFromMasks(masks, { absentLabel: -1, normalize: false });
    expect(where(weights, Number.isNaN)).toEqual([true, false, false]);
    expect(where(annotatorWeightsFromVotes(votes, { normalize: false }), Number.isNaN)).toEqual([true, false, false]);
    // The mean of the weights is NaN.
    expect(where(annotatorWeightsFromMasks(masks), Number.isNaN)).toEqual([true, true, true]);
    expect(where(annotatorWeightsFromVotes(votes), Number.isNaN)).toEqual([true, true, true]);
  });
});

describe('Infinity', () => {
  const limits = () =>
    tf.tensor([
      [Infinity, 0, 1],
      [-Infinity, 0, 1],
      [-Infinity, -Infinity, -Infinity],
    ]);

  test.each(['softOneHot', 'sparsemax', 'entmax15', 'entmax of alpha 1.01', 'entmax of alpha 3'])(
    'makes a row NaN in %s, and -Infinity gives a probability of 0, except in a row of nothing else',
    (name) => {
      const p = ALONG[name]!(limits());
      expect(where(p, Number.isNaN)).toEqual([true, true, true, false, false, false, true, true, true]);
      expect(p.dataSync()[3]).toBe(0);
    },
  );

  test('counts as the largest value in hard relaxations', () => {
    expect([...straightThroughOneHot(limits()).dataSync().subarray(0, 6)]).toEqual([1, 0, 0, 0, 0, 1]);
    expect([...straightThroughThreshold(tf.tensor([Infinity, -Infinity])).dataSync()]).toEqual([1, 0]);
    expect([...softThreshold(tf.tensor([Infinity, -Infinity])).dataSync()]).toEqual([1, 0]);
  });
});

describe('an axis of size 1', () => {
  test.each(Object.entries(ALONG).filter(([name]) => name !== 'powerSharpen'))(
    'gives the probability 1, without a gradient, in %s',
    (_, f) => {
      const x = tf.tensor([[0.3], [-2], [7]]);
      for (const [z, axis] of [
        [x, 1],
        [tf.transpose(x), 0],
        [tf.scalar(3).reshape([1]), 0],
      ] as const) {
        // prettier-ignore
        expect([...f(z, axis).dataSync()]).toEqual(Array.from({ length: z.size }, () => 1));
        const gradient = tf.grad((v) => tf.sum(f(v, axis)))(z);
        expect(where(gradient, (g) => g === 0)).toEqual(Array.from({ length: z.size }, () => true));
      }
    },
  );

  test('is sharpened as the maximum by powerSharpen', () => {
    expect(powerSharpen(tf.tensor([[0.5]]), 2).dataSync()[0]).toBeCloseTo(0.75, 6);
  });

  test('may hold one annotator, one class, or one pixel', () => {
    expect([...softLabelsFromMasks(tf.tensor([[1, 0]])).dataSync()]).toEqual([1, 0]);
    expect([...softLabelsFromVotes(tf.tensor([[4], [0]])).dataSync()]).toEqual([1, -1]);
    expect([...softLabelsFromVotes(tf.tensor([[4]]), { annotators: 5 }).dataSync()]).toEqual([Math.fround(0.8)]);
    expect([...annotatorWeightsFromMasks(tf.tensor([[1, 0]])).dataSync()]).toEqual([1, 1]);
    expect([...annotatorWeightsFromVotes(tf.tensor([[4], [0]])).dataSync()]).toEqual([1, 0]);
    expect(disagreementEntropy(tf.tensor([[0.5]])).dataSync()[0]).toBeCloseTo(Math.log(2), 6);
    expect([...staple(tf.tensor([[1], [1]])).consensus.dataSync()]).toEqual([1]);
    expect([...distanceTransform(tf.tensor([[1], [0]])).dataSync()]).toEqual([Infinity, 0]);
    expect([...signedDistance(tf.tensor([[[1]], [[0]]])).dataSync()]).toEqual([0, 0]);
    const indices = tf.tensor([[0, 1]], [1, 2], 'int32');
    expect([...signedDistance(indices, { classes: 1 }).dataSync()]).toEqual([1, 0]);
  });
});

describe('a tensor without values', () => {
  test.each(all)('is refused by %s', (name, f) => {
    for (const shape of [
      [0, 3, 2],
      [2, 0, 2],
      [2, 3, 0],
    ]) {
      // prettier-ignore
      const message = `^${nameOf(name)}: [a-z]+ of shape \\[${shape.join(',')}\\] holds? no value$`;
      expect(() => f(tf.zeros(shape))).toThrow(new RegExp(message));
    }
  });
});

test('a value that marks entries in integer tensors must be an integer', () => {
  const masks = tf.zeros([2, 3], 'int32');
  const message = 'absentLabel must be an integer for int32 masks, got 1.5';
  expect(() => softLabelsFromMasks(masks, { absentLabel: 1.5 })).toThrow(`softLabelsFromMasks: ${message}`);
  expect(() => annotatorWeightsFromMasks(masks, { absentLabel: 1.5 })).toThrow(`annotatorWeightsFromMasks: ${message}`);
  expect(() => staple(masks, { absentLabel: 1.5 })).toThrow(`staple: ${message}`);
  const float = tf.tensor([[0.1], [1]]);
  expect([...softLabelsFromMasks(float, { absentLabel: 0.1 }).dataSync()]).toEqual([1]);
  expect([...annotatorWeightsFromMasks(float, { absentLabel: 0.1, normalize: false }).dataSync()]).toEqual([1]);
  expect(staple(float, { absentLabel: 0.1 }).prior).toBe(1);
  const indices = tf.zeros([1, 4], 'int32');
  expect(() => signedDistance(indices, { classes: 2, ignoreLabel: 1.5 })).toThrow(
    'signedDistance: ignoreLabel must be an integer for class indices, got 1.5',
  );
});
