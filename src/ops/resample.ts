/** Shortening an axis of a tensor. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';

/** Each new entry is the mean over its part of the axis, including fractions of old entries. */
export function averageAlong(x: Tensor, axis: number, size: number): Tensor {
  const count = x.shape[axis]!;
  if (count % size !== 0) return combineAlong(x, axis, overlaps(count, size));
  const { before, after } = around(x, axis);
  const runs = tf.reshape(x, [before * size, count / size, after]);
  return tf.reshape(tf.mean(runs, 1), resized(x, axis, size));
}

/** Each new entry is the old entry in the middle of its part of the axis (of two, the later one). */
export function nearestAlong(x: Tensor, axis: number, size: number): Tensor {
  const chosen = nearest(x.shape[axis]!, size);
  if (x.dtype === 'int32') return tf.gather(x, tf.tensor1d(chosen, 'int32'), axis);
  // The gradient of tf.gather needs a kernel that the wasm backend lacks.
  const rows = chosen.map((i) => Array.from({ length: x.shape[axis]! }, (_, j) => (i === j ? 1 : 0)));
  return combineAlong(x, axis, rows);
}

function nearest(count: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(((2 * i + 1) * count) / (2 * size)));
}

/** The share that each of `count` entries has in each of `size` equal parts of the axis. */
function overlaps(count: number, size: number): number[][] {
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: count }, (_, j) => {
      // In units of 1/(count·size) of the axis, so that all numbers are integers.
      const [from, to] = [Math.max(i * count, j * size), Math.min((i + 1) * count, (j + 1) * size)];
      return Math.max(0, to - from) / count;
    }),
  );
}

/** Each new entry is a weighted sum over the axis, with a row of weights. */
function combineAlong(x: Tensor, axis: number, rows: number[][]): Tensor {
  const count = x.shape[axis]!;
  const { before, after } = around(x, axis);
  const lines = tf.reshape(tf.transpose(tf.reshape(x, [before, count, after]), [0, 2, 1]), [before * after, count]);
  const sums = tf.matMul(lines as Tensor2D, tf.tensor2d(rows), false, true);
  const inPlace = tf.transpose(tf.reshape(sums, [before, after, rows.length]), [0, 2, 1]);
  return tf.reshape(inPlace, resized(x, axis, rows.length));
}

function around({ shape }: Tensor, axis: number): { before: number; after: number } {
  const product = (sizes: number[]) => sizes.reduce((a, b) => a * b, 1);
  return { before: product(shape.slice(0, axis)), after: product(shape.slice(axis + 1)) };
}

const resized = ({ shape }: Tensor, axis: number, size: number): number[] =>
  shape.map((s, i) => (i === axis ? size : s));
