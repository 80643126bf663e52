import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { sign } from '../../src/ops/sign.js';
import { lovaszSoftmaxLoss } from '../../src/index.js';
import { iouScore } from '../../src/metrics/index.js';
import { expectClose } from '../support/compare.js';

describe('the sign of a number', () => {
  test('is correct for numbers of any size', () => {
    const values = [3, 1e-3, 1e-6, 1e-7, 1e-10, 1e-30, 0, -1e-30, -1e-10, -1e-7, -1e-6, -3, Infinity, -Infinity];
    expect([...sign(tf.tensor1d(values)).dataSync()].map((x) => x + 0)).toEqual(values.map((x) => Math.sign(x)));
  });

  test('is NaN for NaN', () => {
    expect([...sign(tf.tensor1d([NaN, 1])).dataSync()]).toEqual([NaN, 1]);
  });

  test('has the gradient 0', () => {
    const slopes = tf.grad((x) => tf.sum(sign(x)))(tf.tensor1d([-2, 0, 1e-10]));
    expect([...slopes.dataSync()]).toEqual([0, 0, 0]);
  });

  test('is exact in gradients where p and t are close', () => {
    // p of the second class is 9e-14 where t is 0, so its IoU stays 0.
    const labels = tf.tensor2d([[1, 0]]);
    const loss = (z: tf.Tensor) => iouScore(labels, z, { absent: 'penalize' }) as tf.Tensor;
    expectClose(tf.grad(loss)(tf.tensor2d([[30, 0]])), tf.tensor2d([[0, 0]]));
  });

  test('distinguishes small labels from probabilities of 0 in lovaszSoftmaxLoss', () => {
    // Two of four pixels miss a label of 1e-8 completely, and the others are half extra: 1/4 + 1/4 + 1/2 · 1/2.
    const labels = tf.tensor3d([[[1e-8], [1e-8], [1e-8], [1e-8]]]);
    const logits = tf.tensor3d([[[-120], [0], [-120], [0]]]);
    expectClose(lovaszSoftmaxLoss(labels, logits), tf.scalar(0.75));
  });
});
