/** Accumulators on float16 textures, which hold whole numbers up to 2048: larger counts are exact too. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { ConfusionMatrix, MeanBrier, MeanIou } from '../../../src/metrics/index.js';

const SIDE = 96;
const OTHERS = SIDE - 1;

/** Labels of class 0 except in the last row, and predictions of class 0 except in one column, for two samples. */
function batch(): [labels: tf.Tensor, predictions: tf.Tensor] {
  const labels = tf.concat([tf.zeros([2, OTHERS, SIDE], 'int32'), tf.ones([2, 1, SIDE], 'int32')], 1);
  const column = Array.from({ length: SIDE }, (_, j) => (j === 7 ? [0, 1] : [1, 0]));
  return [labels, tf.tile(tf.tensor([[column]]), [2, SIDE, 1, 1])];
}

test('float16 itself cannot count to 2049', () => {
  // (tfjs computes with small tensors on the processor.)
  expect(tf.add(tf.fill([5000], 2048), 1).dataSync()[0]).toBe(2048);
});

test('a confusion matrix counts exactly', async () => {
  const matrix = await new ConfusionMatrix().updateAsync(...batch());
  expect(matrix.counts()).toEqual([
    [2 * OTHERS * OTHERS, 2 * OTHERS],
    [2 * OTHERS, 2],
  ]);
});

test('the hard mean IoU is that of the exact counts', async () => {
  const scores = await new MeanIou({ hard: true }).updateAsync(...batch());
  const [both, wrong] = [OTHERS * OTHERS, 2 * OTHERS];
  expect(scores.perClass()).toEqual([both / (both + wrong), 1 / (1 + wrong)]);
});

test('the Brier score is the share of wrong pixels', async () => {
  const scores = await new MeanBrier({ activation: 'none' }).updateAsync(...batch());
  expect(scores.result()).toBe((2 * 2 * OTHERS) / (SIDE * SIDE));
});
