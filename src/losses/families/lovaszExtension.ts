/**
 * The Lovász extension of the Jaccard distance, for rows of pixels: R rows (one for each sample and class, or for each
 * class), P pixels.
 *
 * F(M) is the Jaccard distance if exactly the pixels of a set M are wrong. Where nothing is wrong, intersection and
 * union are both T = Σ w t. A missed pixel (predicted too low) takes w t from the intersection, and an extra one
 * (predicted too high) adds w (1 - t) to the union:
 *   F(M) = 1 - I(M)/U(M),  I(M) = T - Σ_M w t [missed],  U(M) = T + Σ_M w (1 - t) [extra],  F of no pixel = 0.
 * The extension sorts the pixels by their errors in descending order, and multiplies each error by the change of F when
 * its pixel joins those before it. F is monotone and submodular, so no change is negative.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { dependOn } from '../../ops/dependOn.js';
import { prefixSums } from '../../ops/prefixSums.js';
import { ratioOr } from '../../ops/ratio.js';
import { descendingOrder, sortRows, unsortRows } from '../../ops/rowOrder.js';
import { sumPixels } from '../../ops/sumPixels.js';
import { withGradient } from '../../ops/withGradient.js';

/** The mistakes of the predictions, [R,P] each. */
export interface Mistakes {
  /** The error of each pixel, from 0 (right) to 1 (wrong) or beyond. Pixels are sorted by it. */
  errors: Tensor2D;
  /** The weight w of missed pixels (predicted too low), 0 for the others. */
  missed: Tensor2D;
  /** The weight w of extra pixels (predicted too high), 0 for the others. */
  extra: Tensor2D;
}

/**
 * The change of F by each pixel, [R,P], divided by t if the pixel is missed and by 1 - t if it is extra (for t of 0 and
 * 1 that is the change itself). It can be differentiated with respect to the labels.
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
    // I, and I/U before an extra pixel joins, which takes nothing from I. Only rounding can make I negative. tf.relu
    // would not do: its slope at 0 is 0, that of tf.maximum is 1.
    const intersection = tf.maximum(tf.sub(total, taken), 0);
    const before = ratioOr(intersection, tf.add(total, tf.sub(added, adds)), 1);
    // The change of 1 - I/U, written so that no digits cancel.
    const difference = ratioOr(tf.add(ownMissed, tf.mul(ownExtra, before)), tf.add(total, added), 0);
    return unsortRows(difference as Tensor2D, order);
  });
}

/** The sums of rows, [R,P] to [R]. */
export function sumRows(x: Tensor2D): Tensor1D {
  const [rows, count] = x.shape;
  return tf.reshape(sumPixels(tf.reshape(x, [rows, count, 1])), [rows]);
}

/**
 * A value per row that is piecewise linear in x. Its gradient is dy times the slopes [R,P] at x, which are kept for it;
 * the gradient of that gradient with respect to x is 0.
 */
export function piecewiseLinear(
  x: Tensor2D,
  linearAt: (x: Tensor2D) => { value: Tensor1D; slopes: Tensor2D },
): Tensor1D {
  return withGradient(
    x,
    (inner) => {
      const { value, slopes } = linearAt(inner);
      return { value, saved: [slopes, inner] };
    },
    (dy, [slopes, inner]) => dependOn(tf.mul(tf.expandDims(dy, 1), slopes), inner),
  );
}
