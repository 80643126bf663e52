import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { checkNumber } from '../checks.js';
import { belowLargest, resolveSparse, sparseActivation } from './sparseActivation.js';

export interface EntmaxOptions {
  /** > 1: towards 1 softmax, 2 is sparsemax; the larger, the sparser. Default 1.5. */
  alpha?: number;
  /** The class axis. Default -1. */
  axis?: number;
}

/** Halvings of an interval of at most 1: as far as float32 goes. */
const HALVINGS = 30;

/**
 * alpha-entmax: argmax_p Σ p z + Σ (p - p^alpha)/(alpha (alpha - 1)) over p >= 0, Σ p = 1. That is
 * p = max(0, (alpha - 1) z - τ)^(1/(alpha - 1)) with the τ for which it adds up to 1, found by bisection, so classes that
 * are 1/(alpha - 1) or more behind the first have p = 0.
 *
 * The gradient is exact: s (dy - Σ s dy / Σ s), s = p^(2 - alpha) where p > 0, else 0. For alpha > 2 it grows without
 * bound where a class is about to leave the support. Alpha 2 is `sparsemax`, alpha 1.5 `entmax15`, which are faster on
 * native; this one reads nothing back on any backend.
 *
 * As a loss's activation: `(z) => entmax(z, { alpha: 1.2 })`.
 *
 * @param logits float, any shape
 * @returns values in [0, 1] of the same shape that sum to 1 along the axis
 * @throws if alpha <= 1, or the axis is out of range
 *
 * @example
 * ```ts
 * entmax(tf.tensor([[1, 0.5, -1]]), { alpha: 2 }); // [[0.75, 0.25, 0]]
 * entmax(tf.tensor([[1, 0.5, -1]]), { alpha: 1.2 }); // [[0.6199, 0.3461, 0.0341]]
 * ```
 *
 * @see Peters, Niculae, Martins, Sparse sequence-to-sequence models, ACL 2019, arXiv 1905.05702
 */
export function entmax(logits: Tensor, options: EntmaxOptions = {}): Tensor {
  const axis = resolveSparse('entmax', logits, options, ['alpha', 'axis']);
  const { alpha = 1.5 } = options;
  checkNumber('entmax', 'alpha', alpha, { least: 1, open: true });
  return sparseActivation(logits, axis, alpha, (z) => forward(z, alpha));
}

function forward(logits: Tensor2D, alpha: number): Tensor2D {
  const z = belowLargest(logits, alpha - 1);
  const probabilities = (threshold: tf.Tensor): Tensor2D => tf.pow(tf.relu(tf.sub(z, threshold)), 1 / (alpha - 1));
  // The largest z is 0 and its p lies in [1/C, 1].
  let width = 1 - z.shape[1] ** (1 - alpha);
  let threshold: tf.Tensor = tf.fill([z.shape[0], 1], -1);
  for (let i = 0; i < HALVINGS; i++) {
    width /= 2;
    threshold = tf.tidy(() => {
      const middle = tf.add(threshold, width);
      const tooLow = tf.greaterEqual(tf.sum(probabilities(middle), 1, true), 1);
      return tf.where(tooLow, middle, threshold);
    });
  }
  return probabilities(threshold);
}
