import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { ratio } from '../ops/ratio.js';
import { counts, resolveSparse, scaled, sorted, sparseActivation } from './sparseActivation.js';

export interface SparsemaxOptions {
  /** The class axis. Default -1. */
  axis?: number;
}

/**
 * sparsemax: the point of the simplex that is closest to the logits, argmin_p Σ (p - z)² over p >= 0, Σ p = 1. That is
 * p = max(0, z - τ) with the τ for which it adds up to 1, so classes whose logit is 1 or more below the largest have
 * p = 0.
 *
 * The value is exact, and so is the gradient: dy minus the mean of dy over the support (the classes with p > 0), and 0
 * outside of the support. All gradients are 0 if one class is ahead by 1. The classes are sorted with tf.topk, which on
 * WebGL reads them back; `entmax` with alpha 2 gives the same result without reading back.
 *
 * To use it as the activation of a loss, pass `(z) => sparsemax(z)`.
 *
 * @param logits float, any shape
 * @returns values in [0, 1] of the same shape that sum to 1 along the axis
 * @throws if the axis is out of range
 *
 * @example
 * ```ts
 * sparsemax(tf.tensor([[1, 0.5, -1], [3, 1, 0]])); // [[0.75, 0.25, 0], [1, 0, 0]]
 * ```
 *
 * @see Martins, Astudillo, From softmax to sparsemax, ICML 2016, arXiv 1602.02068
 */
export function sparsemax(logits: Tensor, options: SparsemaxOptions = {}): Tensor {
  return inFunction('sparsemax', () => {
    const axis = resolveSparse(logits, options, ['axis']);
    return sparseActivation(logits, axis, 2, forward);
  });
}

function forward(below: Tensor2D): Tensor2D {
  const z = scaled(below, 1);
  const inOrder = sorted(z);
  const k = counts(z.shape[1]);
  // The support is the k largest logits, with the last k for which 1 + k z_k > z_1 + ... + z_k.
  const inSupport = tf.cast(tf.greater(tf.add(tf.mul(inOrder, k), 1), tf.cumsum(inOrder, 1)), 'float32');
  const excess = tf.sub(tf.sum(tf.mul(inOrder, inSupport), 1, true), 1);
  const threshold = ratio(excess, tf.sum(inSupport, 1, true));
  return tf.relu(tf.sub(z, threshold));
}
