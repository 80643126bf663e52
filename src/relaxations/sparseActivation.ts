/**
 * The parts that sparsemax and the entmax functions share. All are p = argmax over the simplex of p·z + H(p), with the
 * Tsallis entropy H of order alpha: p_i = max(0, (alpha - 1) z_i - τ)^(1/(alpha - 1)), with the threshold τ for which
 * they add up to 1. They differ in how they find p. The support is the set of classes with p > 0.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { checkAxis, checkDtype, checkHoldsValues, checkOptionNames, checkTensor, type Axis } from '../checks.js';
import { constant } from '../ops/constant.js';
import { oneHot } from '../ops/oneHot.js';
import { ratio } from '../ops/ratio.js';
import { sumPixels } from '../ops/sumPixels.js';
import { withGradient } from '../ops/withGradient.js';

/** Computes p for rows [R,C] of logits from which their maximum has been subtracted. It is not differentiated. */
export type RowActivation = (below: Tensor2D) => Tensor2D;

/** Checks the logits and all options except `alpha`, and returns the class axis. */
export function resolveSparse(logits: Tensor, options: { axis?: number }, known: readonly string[]): Axis {
  checkTensor('logits', logits);
  checkDtype('logits', logits, ['float32']);
  checkHoldsValues('logits', logits);
  checkOptionNames(options, known);
  return checkAxis(options.axis ?? -1, logits.shape);
}

export function sparseActivation(logits: Tensor, axis: Axis, alpha: number, forward: RowActivation): Tensor {
  return tf.tidy(() => {
    const last = logits.rank - 1;
    const swap = [...logits.shape.keys()].map((i) => (i === axis ? last : i === last ? axis : i));
    const moved = axis === last ? logits : tf.transpose(logits, swap);
    const rows: Tensor2D = tf.reshape(moved, [-1, logits.shape[axis]!]);
    const p = tf.reshape(ofRows(rows, alpha, forward), moved.shape);
    return axis === last ? p : tf.transpose(p, swap);
  });
}

/**
 * p of rows [R,C]. Its gradient has the Jacobian diag(s) - s sᵀ/Σs, with s = p^(2 - alpha) where p > 0, else 0; for it,
 * p is computed again.
 */
function ofRows(z: Tensor2D, alpha: number, forward: RowActivation): Tensor2D {
  return withGradient(
    z,
    (z) => ({ value: normalized(z, forward), saved: [z] }),
    (dy, [z]) => timesJacobian(slopes(ofRows(z, alpha, forward), alpha), dy),
  );
}

/** p, divided by its sum to correct rounding; NaN in a row with NaN or Infinity, or with -Infinity only. */
function normalized(z: Tensor2D, forward: RowActivation): Tensor2D {
  const below = tf.sub<Tensor2D>(z, tf.max(z, 1, true));
  const isNaN = tf.isNaN(below);
  const p = tf.where(isNaN, below, forward(tf.where(isNaN, tf.zerosLike(below), below)));
  return ratio(p, rowSums(p));
}

/** The largest s: for alpha > 2 it would grow without bound as p goes to 0; from alpha 32 on, ties reach this. */
const LARGEST_SLOPE = 1e9;

function slopes(p: Tensor2D, alpha: number): Tensor2D {
  const inSupport = tf.step(p);
  if (alpha === 2) return inSupport;
  const least = alpha > 2 ? Math.max(LARGEST_SLOPE ** (1 / (2 - alpha)), 1e-30) : 1e-30;
  // The base is 1 outside of the support, where the gradients of the power would not be finite.
  const base = tf.maximum(tf.add(p, tf.sub(1, inSupport)), least);
  return tf.mul(inSupport, tf.pow(base, 2 - alpha));
}

/**
 * s (dy - Σ s dy / Σ s), computed from differences to dy of the class with the largest s. The value of that class is
 * minus the sum of the others, because all add up to 0. Where its s is far larger than the others, evaluating the
 * formula directly would cancel all digits.
 */
function timesJacobian(s: Tensor2D, dy: Tensor2D): Tensor2D {
  const pivot = constant(() => oneHot(tf.argMax(s, 1), s.shape[1]));
  const others = tf.mul(s, tf.sub(1, pivot));
  const difference = tf.sub(dy, rowSums(tf.mul(dy, pivot)));
  const mean = ratio(rowSums(tf.mul(others, difference)), rowSums(s));
  const gradient = tf.mul<Tensor2D>(others, tf.sub(difference, mean));
  return tf.sub(gradient, tf.mul(pivot, rowSums(gradient)));
}

/** The sums of rows, [R,C] to [R,1]. tf.sum on wasm would be off by 2e-5 for a thousand classes. */
export function rowSums(x: Tensor2D): Tensor2D {
  return sumPixels(tf.expandDims(x, 2) as Tensor3D);
}

/** factor·z, raised to at least -1, for rows whose maximum is 0: lower values have p = 0 anyway. */
export function scaled(below: Tensor2D, factor: number): Tensor2D {
  return tf.maximum(tf.mul(below, factor), -1);
}

/** The rows, each in descending order. */
export function sorted(z: Tensor2D): Tensor2D {
  return tf.topk(z, z.shape[1], true).values;
}

/** The numbers [1, 2, ..., C]. */
export function counts(classes: number): tf.Tensor1D {
  return tf.range(1, classes + 1, 1, 'float32');
}
