/**
 * What sparsemax and the entmax functions share. All are p = argmax over the simplex of p·z + H(p), with the Tsallis
 * entropy H of order alpha: p_i = max(0, (alpha - 1) z_i - τ)^(1/(alpha - 1)), with the threshold τ for which they add
 * up to 1. They differ in how p is found.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { checkAxis, checkDtype, checkOptionNames, checkTensor } from '../checks.js';
import { ratio } from '../kernels/ratio.js';

/** p of the rows of z [R,C]. Not differentiated. */
export type Forward = (z: Tensor2D) => Tensor2D;

/** The class axis of the logits, counted from the front, after the checks of all but `alpha`. */
export function resolveSparse(
  fn: string,
  logits: Tensor,
  options: { axis?: number },
  known: readonly string[],
): number {
  checkTensor(fn, 'logits', logits);
  checkDtype(fn, 'logits', logits, ['float32']);
  checkOptionNames(fn, options, known);
  return checkAxis(fn, options.axis ?? -1, logits.shape);
}

export function sparseActivation(logits: Tensor, axis: number, alpha: number, forward: Forward): Tensor {
  return tf.tidy(() => {
    const last = logits.rank - 1;
    const swap = [...logits.shape.keys()].map((i) => (i === axis ? last : i === last ? axis : i));
    const moved = axis === last ? logits : tf.transpose(logits, swap);
    const rows: Tensor2D = tf.reshape(moved, [-1, logits.shape[axis]!]);
    const p = tf.reshape(ofRows(rows, alpha, forward), moved.shape);
    return axis === last ? p : tf.transpose(p, swap);
  });
}

/** With the Jacobian diag(s) - s sᵀ/Σs, s = p^(2 - alpha) where p > 0, else 0, from p computed again. */
function ofRows(z: Tensor2D, alpha: number, forward: Forward): Tensor2D {
  return tf.customGrad((logits, save) => {
    (save as tf.GradSaveFunc)([logits as Tensor2D]);
    return {
      value: normalized(logits as Tensor2D, forward),
      gradFunc: (dy: Tensor2D, [kept]: Tensor[]) => {
        const s = slopes(ofRows(kept as Tensor2D, alpha, forward), alpha);
        const mean = ratio(tf.sum(tf.mul(s, dy), 1, true), tf.sum(s, 1, true));
        return tf.mul(s, tf.sub(dy, mean));
      },
    };
  })(z) as Tensor2D;
}

/** p, divided by its sum for the sake of rounding; NaN in a row with a NaN. */
function normalized(z: Tensor2D, forward: Forward): Tensor2D {
  const isNaN = tf.isNaN(z);
  const p = tf.where(isNaN, z, forward(tf.where(isNaN, tf.zerosLike(z), z)));
  return ratio(p, tf.sum(p, 1, true));
}

function slopes(p: Tensor2D, alpha: number): Tensor2D {
  const inSupport = tf.step(p);
  if (alpha === 2) return inSupport;
  // 1 outside of the support: powers have gradients there that are not finite.
  return tf.mul(inSupport, tf.pow(tf.add(p, tf.sub(1, inSupport)), 2 - alpha));
}

/** factor·z less its maximum, and at least -1: lower values have p = 0. */
export function belowLargest(z: Tensor2D, factor: number): Tensor2D {
  return tf.maximum(tf.mul(tf.sub(z, tf.max(z, 1, true)), factor), -1);
}

/** Rows in descending order. */
export function sorted(z: Tensor2D): Tensor2D {
  return tf.topk(z, z.shape[1], true).values;
}

/** [1, 2, ..., C]. */
export function counts(classes: number): tf.Tensor1D {
  return tf.range(1, classes + 1, 1, 'float32');
}
