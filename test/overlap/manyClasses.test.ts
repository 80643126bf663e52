/** So many classes that a list of them, passed as the arguments of a call, would overflow the stack. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../support/allEntries.js';

const CLASSES = 130_000;
const PIXELS = 3;

/** The last class everywhere, except in the first pixel of the predictions. */
const labels = () => tf.fill([1, PIXELS], CLASSES - 1, 'int32');
const predicted = () => tf.tensor([[0, CLASSES - 1, CLASSES - 1]], [1, PIXELS], 'int32');
const logits = () => tf.mul(tf.cast(tf.oneHot(predicted() as tf.Tensor2D, CLASSES), 'float32'), 40);
const soft = () => tf.cast(tf.oneHot(labels() as tf.Tensor2D, CLASSES), 'float32');
const perClass = (value: number) => Array.from({ length: CLASSES }, () => value);
const classes = () => Array.from({ length: CLASSES }, (_, c) => c);

type Of = (t: tf.Tensor, z: tf.Tensor, options?: object) => tf.Tensor;
const { LN2 } = Math;

/** Under sigmoid: 40 for the false class, 0 for the two hits, 4 ln 2 for the miss, ln 2 for everything else. */
const OF_SIGMOID = (40 + 4 * LN2 + (PIXELS * CLASSES - 4) * LN2) / PIXELS;

const LOSSES: [string, Of, object, number[]][] = [
  ['iouLoss', softseg.iouLoss as Of, { classes: classes(), classWeights: perClass(2) }, [1 / 3]],
  ['comboLoss', softseg.comboLoss as Of, {}, [1 / 3 + 40 / 3]],
  ['crossEntropyLoss', softseg.crossEntropyLoss as Of, { classWeights: perClass(2), reduction: 'none' }, [80, 0, 0]],
  [
    'binaryCrossEntropyLoss',
    softseg.binaryCrossEntropyLoss as Of,
    { posWeight: perClass(4), classWeights: perClass(CLASSES) },
    [OF_SIGMOID],
  ],
];

test.each(LOSSES)('%s takes many classes, and lists of numbers for them', (_, loss, options, expected) => {
  const { value, grad } = tf.valueAndGrad((z) => tf.sum(loss(labels(), z, options)))(logits());
  // tfjs's wasm backend adds up the classes of a pixel one float32 after the other.
  const digits = expected[0] === OF_SIGMOID ? 3 : 5;
  expect(value.dataSync()[0]! / expected.reduce((a, b) => a + b)).toBeCloseTo(1, digits);
  expect(grad.shape).toEqual([1, PIXELS, CLASSES]);
  [...loss(soft(), logits(), options).dataSync()].forEach((each, i) => {
    expect(each / (expected[i]! || 1)).toBeCloseTo(expected[i] ? 1 : 0, digits);
  });
});

test('scores take many classes', () => {
  const [t, z] = [labels(), logits()];
  expect(softseg.iouScore(t, z, { hard: true, classes: classes() }).dataSync()[0]).toBeCloseTo(2 / 3, 6);
  expect(softseg.precisionScore(t, z, { hard: true }).dataSync()[0]).toBeCloseTo(1, 6);
  expect(softseg.pixelAccuracy(t, z).dataSync()[0]).toBeCloseTo(2 / 3, 6);
  expect(softseg.brierScore(t, z).dataSync()[0]).toBeCloseTo(2 / 3, 6);
  expect(softseg.expectedCalibrationError(t, z).dataSync()[0]).toBeCloseTo(1 / 3, 6);
});

test('accumulators take many classes', () => {
  const [t, z] = [labels(), logits()];
  const iou = new softseg.MeanIou({ hard: true }).update(t, z);
  // The class that is predicted but not labelled scores 0.
  expect(iou.result()).toBeCloseTo(1 / 3, 6);
  expect(iou.perClass()[CLASSES - 1]).toBeCloseTo(2 / 3, 6);
  expect(new softseg.CalibrationError().update(t, z).result()).toBeCloseTo(1 / 3, 6);
});

test('surface scores and distance maps take many classes', () => {
  const list = classes().slice(1);
  const distances = softseg.averageSurfaceDistance(labels(), logits(), { classes: list }).dataSync();
  expect(distances.length).toBe(CLASSES - 1);
  expect([distances[0], distances.at(-1)]).toEqual([NaN, 0.5]);
  const maps = softseg.signedDistance(predicted(), { classes: CLASSES });
  const columns = tf.gather(maps, [0, 1, CLASSES - 1], 2);
  expect([...columns.dataSync()]).toEqual([0, 0, 1, 1, 0, 0, 2, 0, -1]);
});
