/** Every option that takes a list refuses holes, typed arrays and unreadable lists, and names the wrong entry. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { inFunction } from '../../src/argumentError.js';
import {
  binaryCrossEntropyLoss,
  boundaryLoss,
  deepSupervisionLoss,
  diceLoss,
  distanceTransform,
  lovaszSoftmaxLoss,
  staple,
} from '../../src/index.js';
import { ConfusionMatrix, iouScore, MeanIou } from '../../src/metrics/index.js';
import { tileGrid, withSeed } from '../../src/training/index.js';
import { checkJson } from '../../src/training/saving/json.js';
import { HOSTILE } from './hostile.js';

let labels: tf.Tensor2D;
let logits: tf.Tensor2D;
beforeEach(() => {
  labels = tf.tensor2d([[1, 0]]);
  logits = tf.tensor2d([[0, 1]]);
});

const maps = () => tf.tensor2d([[0, 1]], [1, 2], 'int32');
const image = () => tf.fill([1, 2, 2, 2], 0.5);

/** By function and option: a call that passes the option, and a valid list. */
const LISTS: [string, (value: never) => unknown, unknown[]][] = [
  ['diceLoss: classWeights', (classWeights) => diceLoss(labels, logits, { classWeights }), [1, 2]],
  ['diceLoss: classes', (classes) => diceLoss(labels, logits, { classes }), [0, 1]],
  ['lovaszSoftmaxLoss: classes', (classes) => lovaszSoftmaxLoss(labels, logits, { classes }), [0, 1]],
  ['binaryCrossEntropyLoss: posWeight', (posWeight) => binaryCrossEntropyLoss(labels, logits, { posWeight }), [1, 2]],
  ['iouScore: classes', (classes) => iouScore(labels, logits, { classes }), [0, 1]],
  ['iouScore: classWeights', (classWeights) => iouScore(labels, logits, { classWeights }), [1, 2]],
  ['boundaryLoss: spacing', (spacing) => boundaryLoss(image(), image(), { spacing }), [1, 2]],
  ['distanceTransform: spacing', (spacing) => distanceTransform(tf.ones([1, 2, 2]), { spacing }), [1, 2]],
  ['staple: prior', (prior) => staple(maps(), { classes: 2, prior }), [0.5, 0.5]],
  [
    'deepSupervisionLoss: weights',
    (weights) => deepSupervisionLoss(diceLoss, labels, [logits, logits], { weights }),
    [1, 2],
  ],
  ['deepSupervisionLoss: predictions', (predictions) => deepSupervisionLoss(diceLoss, labels, predictions), []],
  ['tileGrid: size', (size) => tileGrid([4, 4], { size }), [2, 2]],
  ['tileGrid: overlap', (overlap) => tileGrid([4, 4], { size: 2, overlap }), [1, 1]],
  ['ConfusionMatrix: classNames', (classNames) => new ConfusionMatrix({ classNames }), ['a', 'b']],
  ['MeanIou.fromJSON: sums', (sums) => MeanIou.fromJSON({ ...new MeanIou().toJSON(), sums }), []],
  ['withSeed: seed', (seed) => withSeed(seed, () => 0), [1, 2]],
  ['checkJson: value', (value) => inFunction('checkJson', () => checkJson('value', value)), [1, 2]],
];

describe.each(LISTS)('%s', (name, call, right) => {
  const [fn] = name.split(':') as [string];

  test('takes a list', () => {
    const list = name === 'deepSupervisionLoss: predictions' ? [logits, logits] : right;
    expect(() => call(list as never)).not.toThrow();
  });

  test('refuses holes and unreadable lists', () => {
    const first = new Array<unknown>(right.length);
    right.slice(1).forEach((entry, i) => (first[i + 1] = entry));
    const hostile = HOSTILE.filter(([kind]) => /holes|bigints|typed array|proxy|view/.test(kind));
    for (const [, value] of [['a hole at the start', () => first] as const, ...hostile]) {
      // An empty list has no hole.
      const given = value();
      if (first.length === 0 && given === first) continue;
      expect(() => call(given as never)).toThrow(new RegExp(`^${fn}: `));
    }
  });
});

test('a missing entry is named', () => {
  const two = new Array<number>(2);
  expect(() => diceLoss(labels, logits, { classWeights: two })).toThrow(
    'diceLoss: classWeights[0] must be a number >= 0, got undefined',
  );
  expect(() => binaryCrossEntropyLoss(labels, logits, { posWeight: two })).toThrow(
    'binaryCrossEntropyLoss: posWeight[0] must be a number >= 0, got undefined',
  );
  const typed = Float32Array.of(1, 2) as unknown as number[];
  expect(() => diceLoss(labels, logits, { classWeights: typed })).toThrow(
    'diceLoss: classWeights must be a list of 2 numbers, one per class, got Float32Array [1,2]',
  );
});
