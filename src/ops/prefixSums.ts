import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

/** The most values that are added in one run. */
const LONGEST_RUN = 64;

/**
 * [R,P] to [R,P]: the sum of each value and all values before it in its row. To limit rounding errors it is computed in
 * runs of at most 64 values, as in sumPixels; tf.cumsum alone adds one float32 after the other.
 */
export function prefixSums(x: Tensor2D): Tensor2D {
  const [rows, count] = x.shape;
  if (count <= LONGEST_RUN) return tf.cumsum(x, 1);
  const runs = Math.ceil(count / LONGEST_RUN);
  const missing = runs * LONGEST_RUN - count;
  const whole =
    missing === 0
      ? x
      : tf.pad2d(x, [
          [0, 0],
          [0, missing],
        ]);
  const within = tf.cumsum(tf.reshape(whole, [rows, runs, LONGEST_RUN]), 2) as tf.Tensor3D;
  const ofRuns = tf.reshape(tf.slice3d(within, [0, 0, LONGEST_RUN - 1], [rows, runs, 1]), [rows, runs]) as Tensor2D;
  const before = tf.expandDims(tf.sub(prefixSums(ofRuns), ofRuns), 2);
  const sums = tf.reshape(tf.add(within, before), [rows, runs * LONGEST_RUN]) as Tensor2D;
  return whole === x ? sums : tf.slice2d(sums, [0, 0], [rows, count]);
}
