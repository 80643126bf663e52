import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkNumber } from '../checks.js';
import { ratio } from '../ops/ratio.js';
import { resolveSparse, rowSums, scaled, sparseActivation } from './sparseActivation.js';

export interface EntmaxOptions {
  /** The order, > 1: near 1 it is softmax, 2 is sparsemax; the larger it is, the sparser the result. Default 1.5. */
  alpha?: number;
  /** The class axis. Default -1. */
  axis?: number;
}

/** How often an interval of at most 1 is halved: in float32, further halvings would not move its ends. */
const HALVINGS = 23;

/** The smallest divisor, so that quotients of numbers up to 1 are finite in float32. */
const SMALLEST_SCALE = 1e-37;

/**
 * alpha-entmax: argmax_p Σ p z + Σ (p - p^alpha)/(alpha (alpha - 1)) over p >= 0, Σ p = 1. That is
 * p = max(0, (alpha - 1) z - τ)^(1/(alpha - 1)) with the τ for which it adds up to 1, found by bisection, so classes
 * whose logit is 1/(alpha - 1) or more below the largest have p = 0.
 *
 * The gradient is s (dy - Σ s dy / Σ s), with s = p^(2 - alpha) where p > 0, else 0, and at most 1e9: for alpha > 2, s
 * grows without bound where a class is about to leave the support (the classes with p > 0), and from alpha 32 on it
 * reaches 1e9 where two classes tie. `sparsemax` (alpha 2) and `entmax15` (alpha 1.5) are faster on the native backend;
 * this function reads nothing back on any backend.
 *
 * To use it as the activation of a loss, pass `(z) => entmax(z, { alpha: 1.2 })`.
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
  return inFunction('entmax', () => {
    const axis = resolveSparse(logits, options, ['alpha', 'axis']);
    const { alpha = 1.5 } = options;
    checkNumber('alpha', alpha, { least: 1, open: true });
    return sparseActivation(logits, axis, alpha, (below) => forward(below, alpha));
  });
}

/**
 * Finds m, the largest p, in [1/C, 1] by bisection; then p = m (1 + z/m^(alpha - 1))^(1/(alpha - 1)). Between the two
 * ends of the last interval p is interpolated, so that it adds up to 1. For large alpha some p nearly jump between the
 * two ends; the interpolation gives those classes the rest up to 1.
 */
function forward(below: Tensor2D, alpha: number): Tensor2D {
  const order = alpha - 1;
  const z = scaled(below, order);
  const classes = z.shape[1];
  const probabilities = (m: Tensor): Tensor2D => {
    const scale = tf.maximum(tf.pow(m, order), SMALLEST_SCALE);
    return tf.mul(m, rootOf(tf.maximum(ratio(z, scale), -1), order));
  };
  let width = 1 - 1 / classes;
  let low: Tensor = tf.fill([z.shape[0], 1], 1 / classes);
  for (let i = 0; i < HALVINGS; i++) {
    width /= 2;
    low = tf.tidy(() => {
      const middle = tf.add(low, width);
      return tf.where(tf.lessEqual(rowSums(probabilities(middle)), 1), middle, low);
    });
  }
  const [least, most] = [probabilities(low), probabilities(tf.add(low, width))];
  const gap = tf.sub(rowSums(most), rowSums(least));
  const share = ratio(tf.sub(1, rowSums(least)), tf.maximum(gap, SMALLEST_SCALE));
  return tf.add(least, tf.mul(tf.sub(most, least), tf.minimum(tf.maximum(share, 0), 1)));
}

/** (1 + x)^(1/order) for x >= -1. Small orders use a logarithm, because 1 + x would lose the digits that matter. */
function rootOf(x: Tensor, order: number): Tensor {
  const sum = tf.add(x, 1);
  if (order > 0.1) return tf.pow(sum, 1 / order);
  // log(1 + x) to all digits (Kahan): tf.log1p on wasm has only the digits of 1 + x.
  const isOne = tf.equal(sum, 1);
  const corrected = ratio(tf.mul(tf.log(sum), x), tf.where(isOne, sum, tf.sub(sum, 1)));
  return tf.exp(tf.mul(tf.where(isOne, x, corrected), 1 / order));
}
