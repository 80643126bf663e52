/** Score functions refuse invalid input, and leave no tensor behind. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import {
  brierScore,
  diceScore,
  expectedCalibrationError,
  iouScore,
  pixelAccuracy,
  tverskyScore,
} from '../../src/metrics/index.js';
import { scoreFunction, SCORES, type Function } from './support.js';

const t = () => tf.fill([2, 3, 4], 0.25);
const z = () => tf.zeros([2, 3, 4]);
const iou =
  (options: object, logits = z) =>
  () =>
    iouScore(t(), logits(), options);

describe('scores refuse with a message', () => {
  test.each<[string, () => unknown, string]>([
    [
      'shapes that differ',
      () => iouScore(t(), tf.zeros([2, 3, 5])),
      'iouScore: labels [2,3,4] and predictions [2,3,5] differ on the class axis (-1)',
    ],
    [
      'an option of the losses',
      iou({ smooth: 1 }),
      "iouScore: unknown option 'smooth'; it takes activation, sharpness, axis, mask, ignoreLabel, classWeights, " +
        'classes, hard, threshold, absent, overlap, aggregate, reduction',
    ],
    ['a reduction', iou({ reduction: 'sum' }), `iouScore: reduction must be 'mean', 'sample', 'none', got "sum"`],
    ['an aggregate', iou({ aggregate: 'dataset' }), `iouScore: aggregate must be 'image', 'batch', got "dataset"`],
    [
      'a value per sample of the batch',
      iou({ aggregate: 'batch', reduction: 'sample' }),
      "iouScore: reduction 'sample' needs aggregate 'image', got 'batch'",
    ],
    [
      'a rule for absent classes',
      iou({ absent: 'smooth' }),
      `iouScore: absent must be 'skip', 'penalize', 'count', got "smooth"`,
    ],
    ['an overlap', iou({ overlap: 'min' }), `iouScore: overlap must be 'metric', 'product', got "min"`],
    ['hard', iou({ hard: 'labels' }), `iouScore: hard must be 'predictions', got "labels"`],
    [
      'a threshold for soft scores',
      iou({ threshold: 0.5 }),
      'iouScore: threshold goes with hard: true, got 0.5 without',
    ],
    [
      'a threshold under softmax',
      iou({ hard: true, threshold: 0.6 }),
      'iouScore: threshold is for classes that may overlap; under softmax the largest is taken, got 0.6',
    ],
    [
      'a threshold of 0',
      iou({ hard: true, threshold: 0, activation: 'sigmoid' }),
      'iouScore: threshold must be a number in (0, 1), got 0',
    ],
    [
      'a threshold of 1',
      iou({ hard: true, threshold: 1, activation: 'sigmoid' }),
      'iouScore: threshold must be a number in (0, 1), got 1',
    ],
    ['class weights', iou({ classWeights: [1, 2] }), 'iouScore: classWeights must be a list of 4 numbers'],
    [
      'classes',
      iou({ classes: [4] }),
      "iouScore: classes must be 'all' or a list of different class indices in 0..3, got [4]",
    ],
    [
      'Tversky weights',
      () => tverskyScore(t(), z(), { alpha: -1 }),
      'tverskyScore: alpha must be a number >= 0, got -1',
    ],
    ['Tversky weights of Dice', () => diceScore(t(), z(), { alpha: 1 } as never), "diceScore: unknown option 'alpha'"],
    [
      'a Brier score per class',
      () => brierScore(t(), z(), { reduction: 'none' as never }),
      `brierScore: reduction must be 'mean', 'sample', got "none"`,
    ],
    [
      'an accuracy per class',
      () => pixelAccuracy(t(), z(), { reduction: 'none' as never }),
      `pixelAccuracy: reduction must be 'mean', 'sample', got "none"`,
    ],
    [
      'a threshold of exclusive classes',
      () => pixelAccuracy(t(), z(), { threshold: 0.4 }),
      'pixelAccuracy: threshold is for classes that may overlap; under softmax the largest is taken, got 0.4',
    ],
    [
      'an invalid threshold',
      () => pixelAccuracy(t(), z(), { activation: 'sigmoid', threshold: 1.5 }),
      'pixelAccuracy: threshold must be a number in (0, 1), got 1.5',
    ],
    [
      'bins',
      () => expectedCalibrationError(t(), z(), { bins: 1 }),
      'expectedCalibrationError: bins must be an integer >= 2, got 1',
    ],
    [
      'a confidence',
      () => expectedCalibrationError(t(), z(), { confidence: 'all' as never }),
      `expectedCalibrationError: confidence must be 'top', 'class', got "all"`,
    ],
    [
      'the top of overlapping classes',
      () => expectedCalibrationError(t(), z(), { confidence: 'top', activation: 'sigmoid' }),
      "expectedCalibrationError: confidence 'top' is for classes that exclude each other; under sigmoid, or with " +
        "one class, use 'class'",
    ],
    [
      'classes of the top',
      () => expectedCalibrationError(t(), z(), { confidence: 'top', classes: [1] }),
      "expectedCalibrationError: classes goes with confidence 'class', not with 'top'",
    ],
  ])('%s', (_, run, message) => {
    const before = tf.memory().numTensors;
    expect(() => tf.tidy(() => void run())).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('values that checkValues finds', () => {
    checkValues('always');
    try {
      expect(() => iouScore(tf.tensor([[0.7, 0.7]]), tf.zeros([1, 2]), { hard: true })).toThrow(
        'iouScore: labels of a pixel must sum to 1 under softmax, got 1.4 at sample 0',
      );
    } finally {
      checkValues('first');
    }
  });
});

const FUNCTIONS: [string, Function][] = [
  ...SCORES.map((name): [string, Function] => [`${name}Score`, scoreFunction(name)]),
  ['brierScore', brierScore as Function],
  ['expectedCalibrationError', expectedCalibrationError as Function],
  ['pixelAccuracy', pixelAccuracy as Function],
];

test.each(FUNCTIONS)('%s leaves no tensor except its result, and none when it throws', (name, score) => {
  const [labels, logits, mask] = [
    tf.softmax(tf.randomNormal([2, 6, 6, 3])),
    tf.randomNormal([2, 6, 6, 3]),
    tf.ones([2, 6, 6]),
  ];
  const indices = tf.zeros([2, 6, 6], 'int32');
  const before = tf.memory().numTensors;
  const region = !['brierScore', 'expectedCalibrationError', 'pixelAccuracy'].includes(name);
  for (const options of [
    {},
    { mask },
    { activation: 'sigmoid' },
    ...(region ? [{ hard: true, mask }, { overlap: 'product' }] : []),
  ]) {
    score(labels, logits, options).dispose();
    score(indices, logits, options).dispose();
  }
  expect(() => score(labels, logits, { mask: labels })).toThrow('mask');
  expect(() =>
    score(labels, logits, {
      activation: () => {
        throw new Error('from the relaxation');
      },
    }),
  ).toThrow('relaxation');
  if (region || name === 'brierScore') tf.grad((x) => score(labels, x, { mask }))(logits).dispose();
  expect(tf.memory().numTensors).toBe(before);
});
