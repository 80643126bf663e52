import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { ratio } from '../ops/ratio.js';
import { counts, resolveSparse, rowSums, scaled, sorted, sparseActivation } from './sparseActivation.js';

export interface Entmax15Options {
  /** The class axis. Default -1. */
  axis?: number;
}

/**
 * 1.5-entmax, half-way between softmax and sparsemax: argmax_p Σ p z + (4/3) Σ (p - p^1.5) over p >= 0, Σ p = 1. That
 * is p = max(0, z/2 - τ)² with the τ for which it adds up to 1, so classes whose logit is 2 or more below the largest
 * have p = 0.
 *
 * The value is exact, and so is the gradient, s (dy - Σ s dy / Σ s) with s = √p. The classes are sorted with tf.topk,
 * which on WebGL reads them back; `entmax` with alpha 1.5 gives the same result without reading back.
 *
 * To use it as the activation of a loss, pass `(z) => entmax15(z)`.
 *
 * @param logits float, any shape
 * @returns values in [0, 1] of the same shape that sum to 1 along the axis
 * @throws if the axis is out of range
 *
 * @example
 * ```ts
 * entmax15(tf.tensor([[1, 0.5, -1], [3, 1, 0]])); // [[0.674, 0.326, 0], [1, 0, 0]]
 * ```
 *
 * @see Peters, Niculae, Martins, Sparse sequence-to-sequence models, ACL 2019, arXiv 1905.05702
 */
export function entmax15(logits: Tensor, options: Entmax15Options = {}): Tensor {
  return inFunction('entmax15', () => {
    const axis = resolveSparse(logits, options, ['axis']);
    return sparseActivation(logits, axis, 1.5, forward);
  });
}

const NEWTON_STEPS = 3;

function forward(below: Tensor2D): Tensor2D {
  const z = scaled(below, 0.5);
  const inOrder = sorted(z);
  const k = counts(z.shape[1]);
  // If the support is the k largest logits, Σ (z - τ)² = 1 is a quadratic equation for τ in their mean and variance.
  // The right k is the last one whose τ is not above z_k.
  const mean = ratio(tf.cumsum(inOrder, 1), k);
  const variance = tf.sub(ratio(tf.cumsum(tf.square(inOrder), 1), k), tf.square(mean));
  const thresholds = tf.sub(mean, tf.sqrt(tf.relu(tf.sub(ratio(1, k), variance))));
  const inSupport = tf.cast(tf.lessEqual(thresholds, inOrder), 'float32');
  const isLast = tf.cast(tf.equal(tf.sum(inSupport, 1, true), k), 'float32');
  let threshold: Tensor = tf.sum(tf.mul(thresholds, isLast), 1, true);
  // The variance may have lost most of its digits, so steps of Newton's method bring Σ (z - τ)² back to 1.
  for (let i = 0; i < NEWTON_STEPS; i++) {
    const above = tf.relu(tf.sub<Tensor2D>(z, threshold));
    const excess = tf.sub(rowSums(tf.square(above)), 1);
    threshold = tf.add(threshold, ratio(excess, tf.mul(rowSums(above), 2)));
  }
  return tf.square(tf.relu(tf.sub(z, tf.maximum(threshold, -1))));
}
