import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  annotatorWeightsFromMasks,
  annotatorWeightsFromVotes,
  checkValues,
  crossEntropyLoss,
  disagreementEntropy,
  softLabelsFromMasks,
  softLabelsFromVotes,
} from '../../src/index.js';
import * as reference from '../reference/annotators.js';
import { centralDifference, ndarray, sum } from '../reference/index.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import { randomDistribution, randomIndices, randomLabels } from '../support/random.js';

describe('annotatorWeightsFromMasks', () => {
  const masks = randomIndices([4, 2, 3, 5], 1, 3);

  test.each([
    [{ absentLabel: 2 }],
    [{ absentLabel: 2, normalize: false }],
    [{ absentLabel: 0, annotatorAxis: -1 }],
    [{ annotatorAxis: 1 }],
    [{}],
  ])('equals the oracle with %j', (options) => {
    expectClose(
      annotatorWeightsFromMasks(toTensor(masks), options),
      reference.annotatorWeightsFromMasks(masks, options),
    );
  });

  test('has the mean 1 over the pixels with answers, and is 0 elsewhere', () => {
    const seen = tf.tensor([
      [1, 0, -1, -1],
      [1, -1, -1, 0],
      [0, -1, -1, 1],
    ]);
    expectClose(annotatorWeightsFromMasks(seen, { absentLabel: -1 }), tf.tensor([1.5, 0.5, 0, 1]));
    expectClose(annotatorWeightsFromMasks(tf.fill([2, 3], -1), { absentLabel: -1 }), tf.zeros([3]));
  });

  test('has the right mean in a large image', () => {
    const seen = tf.concat([tf.ones([7, 300_000]), tf.concat([tf.ones([1, 300_000]), tf.fill([6, 300_000], -1)])], 1);
    const weights = annotatorWeightsFromMasks(seen, { absentLabel: -1 });
    expectClose(tf.slice(weights, 299_999, 2), tf.tensor([7 / 4, 1 / 4]), 1e-6);
  });

  test('as the mask of a loss, gives the mean of the losses of the single answers', () => {
    const answers = tf.tensor(
      [
        [0, 1, 9, 2],
        [0, 2, 9, 9],
        [1, 9, 9, 2],
      ],
      [3, 4],
      'int32',
    );
    const logits = tf.randomNormal([1, 4, 3], 0, 1, 'float32', 5);
    const labels = tf.expandDims(softLabelsFromMasks(answers, { classes: 3, absentLabel: 9, missing: 0 }), 0);
    const mask = tf.expandDims(annotatorWeightsFromMasks(answers, { absentLabel: 9 }), 0);
    const each = crossEntropyLoss(answers, tf.tile(logits, [3, 1, 1]), { ignoreLabel: 9 });
    expectClose(crossEntropyLoss(labels, logits, { mask }), each);
  });

  test('refuses invalid arguments', () => {
    const m = tf.ones([2, 3]);
    expect(() => annotatorWeightsFromMasks(m, { annotatorAxis: 2 })).toThrow(
      'annotatorWeightsFromMasks: annotatorAxis must be an integer in -2..1 for shape [2,3], got 2',
    );
    expect(() => annotatorWeightsFromMasks(m, { absentLabel: 'x' } as object)).toThrow('absentLabel must be a finite');
    expect(() => annotatorWeightsFromMasks(m, { normalize: 1 } as object)).toThrow('normalize must be true or false');
    expect(() => annotatorWeightsFromMasks(m, { classes: 3 } as object)).toThrow("unknown option 'classes'");
    expect(() => annotatorWeightsFromMasks([1] as unknown as tf.Tensor)).toThrow('masks must be a tf.Tensor, got [1]');
    expect(() => annotatorWeightsFromMasks(tf.tensor(['a']))).toThrow('masks must be bool or int32 or float32');
    expect(() => annotatorWeightsFromVotes(tf.tensor(['a']))).toThrow('votes must be bool or int32 or float32');
  });
});

describe('annotatorWeightsFromVotes', () => {
  const votes = randomIndices([2, 3, 4], 2, 6);

  test.each([[{}], [{ axis: 1 }], [{ axis: 0, normalize: false }]])('equals the oracle with %j', (options) => {
    expectClose(
      annotatorWeightsFromVotes(toTensor(votes), options),
      reference.annotatorWeightsFromVotes(votes, options),
    );
  });

  test('equals the weights from the masks that the votes were counted from', () => {
    const maps = tf.tensor([[0, 1, 9], [2, 1, 9], [2, 9, 9]], [3, 3], 'int32'); // prettier-ignore
    const counts = tf.tensor([[1, 0, 2], [0, 2, 0], [0, 0, 0]]); // prettier-ignore
    expectClose(annotatorWeightsFromVotes(counts), annotatorWeightsFromMasks(maps, { absentLabel: 9 }));
  });

  test('refuses invalid arguments and, with value checks, negative votes', () => {
    const v = tf.tensor([[1, -2]]);
    expect(() => annotatorWeightsFromVotes(v, { axis: 2 })).toThrow('axis must be an integer in -2..1');
    expect(() => annotatorWeightsFromVotes(v, { normalize: 'mean' } as object)).toThrow(
      'normalize must be true or false',
    );
    checkValues('never');
    expect(() => annotatorWeightsFromVotes(v)).not.toThrow();
    checkValues('first');
    expect(() => annotatorWeightsFromVotes(v)).toThrow('annotatorWeightsFromVotes: votes must be >= 0, got -2');
  });
});

describe('disagreementEntropy', () => {
  const labels = randomDistribution([2, 3, 4, 5], 3, 3);
  const overlapping = randomLabels([2, 3, 4], 4);

  test.each([
    [labels, {}],
    [labels, { normalize: true }],
    [randomDistribution([2, 4, 3], 5, 1), { axis: 1 }],
    [randomDistribution([2, 4, 3], 5, 1), { axis: -2, normalize: true }],
    [randomLabels([2, 6, 1], 6), {}],
    [randomLabels([2, 1, 6], 6), { axis: 1, normalize: true }],
    [overlapping, { binary: true }],
    [overlapping, { binary: true, normalize: true }],
  ])('and its gradient equal the oracle (case %#)', (t, options) => {
    expectClose(disagreementEntropy(toTensor(t), options), reference.disagreementEntropy(t, options));
    const total = (x: tf.Tensor) => tf.sum(disagreementEntropy(x, options));
    expectClose(
      tf.grad(total)(toTensor(t)),
      centralDifference((x) => sum(reference.disagreementEntropy(x, options).data), t),
    );
  });

  test('has correct second derivatives', () => {
    const t = randomLabels([6], 7);
    const inner = (x: tf.Tensor) => tf.grad((y) => tf.sum(disagreementEntropy(y, { binary: true })))(x);
    const expected = ndarray([...t.data].map((v) => -1 / v - 1 / (1 - v)));
    expectClose(tf.grad((x) => tf.sum(inner(x)))(toTensor(t)), expected, 1e-4);
  });

  test('is 0 where all agree and log C, or 1, where they are split evenly', () => {
    const t = tf.tensor([
      [1, 0, 0, 0],
      [0.25, 0.25, 0.25, 0.25],
    ]);
    expectClose(disagreementEntropy(t), tf.tensor([0, Math.log(4)]));
    expectClose(disagreementEntropy(t, { normalize: true }), tf.tensor([0, 1]));
    expectClose(disagreementEntropy(tf.tensor([0, 0.5, 1]), { binary: true, normalize: true }), tf.tensor([0, 1, 0]));
  });

  test('is the same for one class as for the two it stands for', () => {
    const t = toTensor(randomLabels([3, 4, 1], 8));
    expectClose(disagreementEntropy(t), disagreementEntropy(tf.concat([t, tf.sub(1, t)], -1)));
    expectClose(disagreementEntropy(t), tf.squeeze(disagreementEntropy(t, { binary: true }), [-1]));
  });

  test('ignores pixels that nobody saw, and gives them no gradient', () => {
    const votes = tf.tensor([
      [3, 1],
      [0, 0],
    ]);
    const t = softLabelsFromVotes(votes);
    const left = (x: tf.Tensor) => disagreementEntropy(x, { ignoreLabel: -1 });
    expectClose(left(t), tf.tensor([-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25), 0]));
    expectClose(tf.slice(tf.grad((x) => tf.sum(left(x)))(t), [1, 0], [1, 2]), tf.zeros([1, 2]));
    expectClose(disagreementEntropy(t), left(t));
    const masks = softLabelsFromMasks(tf.tensor([[1, 9], [0, 9]]), { absentLabel: 9 }); // prettier-ignore
    expectClose(disagreementEntropy(masks, { binary: true, ignoreLabel: -1 }), tf.tensor([Math.log(2), 0]));
  });

  test('is NaN for labels that are not probabilities, except for rounding', () => {
    checkValues('never');
    const entropy = (t: number[][], ignoreLabel = -1) => [
      ...disagreementEntropy(tf.tensor(t), { ignoreLabel }).dataSync(),
    ];
    const rows = [[-1, -1], [-7, -7], [3, 1], [NaN, 0], [0, Infinity], [1, 0]]; // prettier-ignore
    expect(entropy(rows)).toEqual([0, NaN, NaN, NaN, NaN, 0]);
    expect(entropy(rows, -7)).toEqual([NaN, 0, NaN, NaN, NaN, 0]);
    const binary = disagreementEntropy(tf.tensor([-0.5, 1.5, -1, 1 + 1e-6, -1e-6]), { binary: true }).dataSync();
    expect([...binary.subarray(0, 3)]).toEqual([NaN, NaN, 0]);
    for (const rounded of binary.subarray(3)) expect(Math.abs(rounded)).toBeLessThan(1e-4);
  });

  test('has finite slopes at 0 and 1', () => {
    const t = tf.tensor([0, 1, 0.5]);
    const slope = tf.grad((x) => tf.sum(disagreementEntropy(x, { binary: true })))(t);
    expectFinite(slope);
    expectClose(slope, tf.tensor([-Math.log(1e-12), Math.log(1e-12), 0]));
  });

  test('refuses invalid arguments', () => {
    const t = tf.tensor([[0.5, 0.5]]);
    expect(() => disagreementEntropy(tf.tensor([[1, 0]], [1, 2], 'int32'))).toThrow(
      'disagreementEntropy: labels must be float32, got int32',
    );
    expect(() => disagreementEntropy(t, { axis: 2 })).toThrow(
      'axis must be an integer in -2..1 for shape [1,2], got 2',
    );
    expect(() => disagreementEntropy(t, { axis: 1, binary: true })).toThrow(
      'axis has no meaning with binary: true, got 1',
    );
    expect(() => disagreementEntropy(t, { binary: 1 } as object)).toThrow('binary must be true or false, got 1');
    expect(() => disagreementEntropy(t, { normalize: 1 } as object)).toThrow('normalize must be true or false, got 1');
    expect(() => disagreementEntropy(t, { ignoreLabel: 0.5 })).toThrow('ignoreLabel must lie outside [0, 1], got 0.5');
    expect(() => disagreementEntropy(t, { base: 2 } as object)).toThrow("unknown option 'base'");
  });

  test('with value checks, refuses votes, and labels that do not sum to 1', () => {
    const votes = tf.tensor([[3, 1]]);
    const half = tf.tensor([[0.25, 0.25]]);
    checkValues('never');
    for (const t of [votes, half]) expect(() => disagreementEntropy(t)).not.toThrow();
    checkValues('first');
    expect(() => disagreementEntropy(votes)).toThrow('disagreementEntropy: labels must lie in [0, 1], got 3');
    expect(() => disagreementEntropy(half)).toThrow('labels must sum to 1 over the class axis, got 0.5');
    expect(() => disagreementEntropy(half, { binary: true })).not.toThrow();
    const left = tf.tensor([[0.5, 0.5], [-1, -1]]); // prettier-ignore
    expect(() => disagreementEntropy(left)).not.toThrow();
    expect(() => disagreementEntropy(left, { ignoreLabel: -2 })).toThrow('got -1');
    expect(() => disagreementEntropy(left, { ignoreLabel: -1 })).not.toThrow();
  });
});

afterEach(() => checkValues('first'));

test('weights and entropies leave no tensor except their result, and none when they throw', () => {
  const maps = toTensor(randomIndices([3, 2, 5], 2, 4));
  const labels = toTensor(randomDistribution([2, 3], 1, 1));
  const votes = tf.tensor([[3, 1]]);
  const before = tf.memory().numTensors;
  annotatorWeightsFromMasks(maps, { absentLabel: 3 }).dispose();
  annotatorWeightsFromVotes(maps).dispose();
  disagreementEntropy(labels, { normalize: true, ignoreLabel: -1 }).dispose();
  tf.grad((x) => tf.sum(disagreementEntropy(x, { ignoreLabel: -1 })))(labels).dispose();
  checkValues('always');
  disagreementEntropy(labels, { ignoreLabel: -1 }).dispose();
  expect(() => disagreementEntropy(votes)).toThrow();
  expect(tf.memory().numTensors).toBe(before);
});
