/**
 * The Lovász extension of the Jaccard distance, for rows of pixels: R rows (one for each sample and class, or for each
 * class), P pixels.
 *
 * Pixels that are wrong, a set M, take Σ w t of those that are missed from the intersection and add Σ w (1 - t) of those
 * that are extra to the union, which are T = Σ w t where nothing is wrong. So the distance is
 *   F(M) = 1 - I(M)/U(M),  I(M) = T - Σ_M w t [missed],  U(M) = T + Σ_M w (1 - t) [extra],  F of no pixel = 0.
 * Its extension sorts pixels by their errors in descending order and gives each the difference that it makes to F when it
 * joins those before it. F is monotone and submodular, so no difference is negative.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { dependOn } from '../../ops/dependOn.js';
import { prefixSums } from '../../ops/prefixSums.js';
import { ratioOr } from '../../ops/ratio.js';
import { descendingOrder, sortRows, unsortRows } from '../../ops/rowOrder.js';
import { sumPixels } from '../../ops/sumPixels.js';
import { withGradient } from '../../ops/withGradient.js';

/** [R,P] each. */
export interface Mistakes {
  /** What pixels are sorted by: how far each has gone from right (0) to wrong (1, or beyond it). */
  errors: Tensor2D;
  /** w of the pixels that are missed (their prediction is too low), else 0. */
  missed: Tensor2D;
  /** w of those that are extra (too high), else 0. */
  extra: Tensor2D;
}

/**
 * [R,P]: the difference that each pixel makes to F, per unit of t if it is missed, and of 1 - t if it is extra (the same
 * as the difference for t of 0 and 1). Differentiable by the labels.
 */
export function lovaszSlopes({ errors, missed, extra }: Mistakes, labels: Tensor2D): Tensor2D {
  return tf.tidy(() => {
    const order = descendingOrder(errors);
    const [ownMissed, ownExtra, t] = [missed, extra, labels].map((x) => sortRows(x, order)) as [
      Tensor2D,
      Tensor2D,
      Tensor2D,
    ];
    const total = tf.expandDims(sumRows(tf.mul(tf.add(missed, extra), labels)), 1);
    const taken = prefixSums(tf.mul(ownMissed, t));
    const adds: Tensor2D = tf.mul(ownExtra, tf.sub(1, t));
    const added = prefixSums(adds);
    // I and U before an extra pixel joins, which takes nothing from I. (Rounding alone makes it negative; the slope of
    // tf.maximum at 0 is 1, that of tf.relu 0.)
    const intersection = tf.maximum(tf.sub(total, taken), 0);
    const before = ratioOr(intersection, tf.add(total, tf.sub(added, adds)), 1);
    // The difference of two quotients, in the form that loses no digits.
    const difference = ratioOr(tf.add(ownMissed, tf.mul(ownExtra, before)), tf.add(total, added), 0);
    return unsortRows(difference as Tensor2D, order);
  });
}

/** [R,P] to [R]. */
export function sumRows(x: Tensor2D): Tensor1D {
  const [rows, count] = x.shape;
  return tf.reshape(sumPixels(tf.reshape(x, [rows, count, 1])), [rows]);
}

/**
 * A value per row that is linear in x around x: the gradient is dy times the slopes [R,P], which are kept for it. Its
 * own gradient is 0.
 */
export function piecewiseLinear(x: Tensor2D, of: (x: Tensor2D) => { value: Tensor1D; slopes: Tensor2D }): Tensor1D {
  return withGradient(
    x,
    (inner) => {
      const { value, slopes } = of(inner);
      return { value, saved: [slopes, inner] };
    },
    (dy, [slopes, inner]) => dependOn(tf.mul(tf.expandDims(dy, 1), slopes), inner),
  );
}
