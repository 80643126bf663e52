/** Sorting the rows of a matrix [R,P] by another one, and back, with gradients (tf.topk has none). */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { withGradient } from './withGradient.js';

/** Two permutations of the R·P values that stay within rows, each the inverse of the other. */
export interface RowOrder {
  /** Sorted place to where its value stood. */
  sorted: Tensor1D;
  /** Place to where its value went. */
  back: Tensor1D;
}

/** The order that puts each row of keys in descending order. No gradient flows to the keys. Call it off the tape. */
export function descendingOrder(keys: Tensor2D): RowOrder {
  const [rows, count] = keys.shape;
  // (A comparison of NaN may send a sort out of its bounds.)
  const finite = tf.where(tf.isNaN(keys), tf.zerosLike(keys), keys);
  const { indices } = tf.topk(finite, count, true);
  // The inverse of a permutation by sorting it: a scatter takes on webgl the square of the time.
  const inverse = tf.topk(tf.neg(indices as Tensor2D), count, true).indices;
  const starts = tf.reshape(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(count, 'int32')), [rows, 1]);
  // (Flat, for tf.gather with batchDims gives wrong values on the wasm backend of tfjs 4.22.)
  const flat = (within: tf.Tensor) => tf.reshape(tf.add(within, starts), [rows * count]) as Tensor1D;
  return { sorted: flat(indices), back: flat(inverse) };
}

/** The values in descending order of the keys. */
export function sortRows(x: Tensor2D, { sorted, back }: RowOrder): Tensor2D {
  return permute(x, sorted, back);
}

/** Sorted values at their places before. */
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
