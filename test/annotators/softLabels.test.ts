import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, softLabelsFromMasks, softLabelsFromVotes } from '../../src/index.js';
import * as reference from '../reference/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomIndices } from '../support/random.js';

describe('softLabelsFromVotes', () => {
  test('gives 0.93 for 93 of 100 annotators', () => {
    expectClose(softLabelsFromVotes(tf.tensor([93, 7])), tf.tensor([0.93, 0.07]));
    expectClose(softLabelsFromVotes(tf.tensor([93]), { annotators: 100 }), tf.tensor([0.93]));
  });

  const votes = randomIndices([2, 3, 4], 1, 6);
  test.each([
    [{}],
    [{ axis: 0 }],
    [{ axis: 1, smoothing: 0.5 }],
    [{ annotators: 5 }],
    [{ annotators: 5, smoothing: 1 }],
  ])('equals the oracle with %j', (options) => {
    expectClose(softLabelsFromVotes(toTensor(votes), options), reference.softLabelsFromVotes(votes, options));
  });

  test('takes a number of annotators per image, and marks images that no annotator saw', () => {
    const counts = tf.tensor([[[1, 3]], [[2, 0]], [[0, 0]]]);
    const annotators = tf.tensor([4, 2, 0], [3, 1, 1], 'int32');
    expectClose(softLabelsFromVotes(counts, { annotators }), tf.tensor([[[0.25, 0.75]], [[1, 0]], [[-1, -1]]]));
    expectClose(softLabelsFromVotes(counts, { missing: -7 }), tf.tensor([[[0.25, 0.75]], [[1, 0]], [[-7, -7]]]));
    expectClose(
      softLabelsFromVotes(counts, { smoothing: 1 }),
      tf.tensor([[[2 / 6, 4 / 6]], [[3 / 4, 1 / 4]], [[0.5, 0.5]]]),
    );
  });

  test('refuses invalid arguments', () => {
    const v = tf.tensor([[1, 2]]);
    expect(() => softLabelsFromVotes(v, { annotators: -1 })).toThrow('annotators must be a number >= 0, got -1');
    expect(() => softLabelsFromVotes(v, { annotators: tf.ones([3]) })).toThrow(
      'softLabelsFromVotes: annotators must broadcast against votes [1,2], got a float32 tensor of shape [3]',
    );
    expect(() => softLabelsFromVotes(v, { smoothing: -1 })).toThrow('smoothing must be a number >= 0, got -1');
    expect(() => softLabelsFromVotes(v, { axis: 2 })).toThrow(
      'axis must be an integer in -2..1 for shape [1,2], got 2',
    );
    expect(() => softLabelsFromVotes(v, { total: 1 } as object)).toThrow("unknown option 'total'");
    expect(() => softLabelsFromVotes(1 as unknown as tf.Tensor)).toThrow('votes must be a tf.Tensor, got 1');
    expect(() => softLabelsFromVotes(tf.tensor(['a']))).toThrow('votes must be bool or int32 or float32, got string');
    expect(() => softLabelsFromVotes(v, { annotators: tf.tensor(['a']) })).toThrow('annotators must be bool or int32');
    expect(() => softLabelsFromMasks(tf.tensor(['a']))).toThrow('softLabelsFromMasks: masks must be bool or int32');
  });
});

describe('softLabelsFromMasks', () => {
  const masks = randomIndices([4, 2, 3], 1, 2);
  const maps = randomIndices([3, 2, 5], 2, 4);

  test.each([[{}], [{ annotatorAxis: 1 }], [{ annotatorAxis: -1, smoothing: 0.5 }]])(
    'equals the oracle on masks with %j',
    (options) => {
      expectClose(softLabelsFromMasks(toTensor(masks), options), reference.softLabelsFromMasks(masks, options));
    },
  );

  test.each([
    [{ classes: 4 }],
    [{ classes: 4, annotatorAxis: 2 }],
    [{ classes: 5, smoothing: 1 }],
    [{ classes: 3, absentLabel: 3 }],
  ])('equals the oracle on class maps with %j', (options) => {
    expectClose(softLabelsFromMasks(toTensor(maps), options), reference.softLabelsFromMasks(maps, options));
  });

  test('ignores annotators that did not look, and marks pixels that no annotator saw', () => {
    const seen = tf.tensor([
      [1, 1, -1],
      [1, 0, -1],
      [1, -1, -1],
    ]);
    expectClose(softLabelsFromMasks(seen, { absentLabel: -1 }), tf.tensor([1, 0.5, -1]));
    expectClose(softLabelsFromMasks(seen, { absentLabel: -1, smoothing: 1 }), tf.tensor([0.8, 0.5, 0.5]));
    expectClose(
      softLabelsFromMasks(
        tf.tensor([
          [true, false],
          [true, true],
        ]),
      ),
      tf.tensor([1, 0.5]),
    );
  });

  test('refuses invalid arguments', () => {
    expect(() => softLabelsFromMasks(tf.zeros([2, 3]), { classes: 3 })).toThrow(
      'softLabelsFromMasks: class maps must be int32, got a float32 tensor of shape [2,3]',
    );
    expect(() => softLabelsFromMasks(toTensor(maps), { classes: 1 })).toThrow('classes must be an integer >= 2, got 1');
    expect(() => softLabelsFromMasks(toTensor(maps), { annotatorAxis: 3 })).toThrow(
      'annotatorAxis must be an integer in -3..2',
    );
    expect(() => softLabelsFromMasks(toTensor(maps), { absentLabel: 'x' } as object)).toThrow(
      'absentLabel must be a finite number',
    );
  });
});

describe('with value checks', () => {
  afterEach(() => checkValues('first'));

  test('votes that are negative, NaN or more than the number of annotators are refused', () => {
    const share = () => softLabelsFromVotes(tf.tensor([[3, 6]]), { annotators: 5 });
    const negative = () => softLabelsFromVotes(tf.tensor([[-1, 3]]));
    const notOne = () => softLabelsFromMasks(tf.tensor([[3], [NaN]]));
    checkValues('never');
    for (const call of [share, negative, notOne]) expect(call).not.toThrow();
    checkValues('first');
    expect(share).toThrow('softLabelsFromVotes: votes must lie between 0 and the number of annotators, got 6');
    expect(negative).toThrow('softLabelsFromVotes: votes must lie between 0 and the number of annotators, got -1');
    expect(notOne).toThrow('softLabelsFromMasks: votes must lie between 0 and the number of annotators, got NaN');
    softLabelsFromVotes(tf.tensor([[3, 5]]), { annotators: 5 });
    softLabelsFromVotes(tf.tensor([[[3, 5]], [[0, 0]]]));
  });
});

test('making soft labels leaves no tensor except the result, and none when it throws', () => {
  const maps = toTensor(randomIndices([3, 2, 5], 2, 4));
  const wide = tf.ones([9]);
  const before = tf.memory().numTensors;
  softLabelsFromVotes(maps, { smoothing: 1 }).dispose();
  softLabelsFromVotes(maps, { annotators: 7 }).dispose();
  softLabelsFromMasks(maps, { classes: 4, absentLabel: 3 }).dispose();
  expect(() => softLabelsFromVotes(maps, { annotators: wide })).toThrow();
  expect(tf.memory().numTensors).toBe(before);
});
