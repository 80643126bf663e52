import * as tf from '@tensorflow/tfjs';
import { withSeed } from 'softseg/training';

/** How someone who does not exist draws. */
export interface Rater {
  /** Marks what has more than this share of the structure: low for who draws generously. */
  threshold: number;
  /** How far the hand wanders: the deviation of smooth noise on the share. */
  noise: number;
  /** Leaves out every `skips`-th image. */
  skips?: number;
}

/** Where a rater did not look. */
export const ABSENT = -1;

/**
 * SIMULATED masks [A, N, H, W, 1] of A raters for structures [N, H, W, 1] with values in [0, 1]: 1, 0, or ABSENT. They
 * differ in how much they mark and in where their border wanders, and none of them is a person.
 */
export const simulateRaters = (shares: tf.Tensor4D, raters: readonly Rater[], seed: number): tf.Tensor =>
  tf.tidy(() => {
    const near = tf.greater(tf.maxPool(shares, 3, 1, 'same'), 0.1);
    const masks = raters.map(({ threshold, noise, skips }, rater) => {
      const rough = withSeed([seed, rater], () => tf.randomNormal(shares.shape) as tf.Tensor4D);
      // The mean of 3×3 values of deviation 1 has the deviation 1/3.
      const smooth = tf.mul(tf.avgPool(rough, 3, 1, 'same'), 3 * noise);
      const drawn = tf.logicalAnd(tf.greater(tf.add(shares, smooth), threshold), near);
      const mask = tf.cast(drawn, 'float32');
      if (!skips) return mask;
      const every = Array.from({ length: shares.shape[0] }, (_, i) => Number(i % skips === 0));
      const skipped = tf.reshape(every, [-1, 1, 1, 1]);
      return tf.add(tf.mul(mask, tf.sub(1, skipped)), tf.mul(skipped, ABSENT));
    });
    return tf.stack(masks);
  });
