/** Sorting the rows of a matrix [R,P] by the keys in another one, and back, with gradients (tf.topk has none). */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { withGradient } from './withGradient.js';

/** Two permutations of the R·P values within their rows, each the inverse of the other. */
export interface RowOrder {
  /** For each sorted place, the place of its value before sorting. */
  sorted: Tensor1D;
  /** For each place before sorting, the sorted place of its value. */
  back: Tensor1D;
}

/** The order that sorts each row of keys in descending order. No gradient flows to the keys. Call it off the tape. */
export function descendingOrder(keys: Tensor2D): RowOrder {
  const [rows, count] = keys.shape;
  // NaN is replaced, because comparisons with NaN may make a sort go out of bounds.
  const finite = tf.where(tf.isNaN(keys), tf.zerosLike(keys), keys);
  const { indices } = tf.topk(finite, count, true);
  // The inverse of the permutation, found by sorting it. On webgl the time of a scatter grows with the square of its
  // size.
  const inverse = tf.topk(tf.neg(indices as Tensor2D), count, true).indices;
  const starts = tf.reshape(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(count, 'int32')), [rows, 1]);
  // Flat indices, because tf.gather with batchDims returns wrong values on the wasm backend of tfjs 4.22.
  const flat = (within: tf.Tensor) => tf.reshape(tf.add(within, starts), [rows * count]) as Tensor1D;
  return { sorted: flat(indices), back: flat(inverse) };
}

/** The values in descending order of the keys. */
export function sortRows(x: Tensor2D, { sorted, back }: RowOrder): Tensor2D {
  return permute(x, sorted, back);
}

/** Puts sorted values back to their places before sorting. */
export function unsortRows(x: Tensor2D, { sorted, back }: RowOrder): Tensor2D {
  return permute(x, back, sorted);
}

function permute(x: Tensor2D, to: Tensor1D, from: Tensor1D): Tensor2D {
  return withGradient(
    x,
    (x) => ({ value: tf.reshape<tf.Rank.R2>(tf.gather(tf.reshape(x, [-1]), to), x.shape), saved: [to, from] }),
    (dy, [to, from]) => permute(dy, from, to),
  );
}
