import * as tf from '@tensorflow/tfjs';
import { withSeed } from 'softseg/training';

/** How a simulated rater draws. */
export interface Rater {
  /** The rater marks pixels with more than this share of the structure: a low threshold draws generously. */
  threshold: number;
  /** How unsteady the hand is: the deviation of the smooth noise that is added to the share. */
  noise: number;
  /** The rater skips every `skips`-th image. */
  skips?: number;
}

/** The value of pixels at which a rater did not look. */
export const ABSENT = -1;

/**
 * SIMULATED masks [A, N, H, W, 1] of A raters for structures [N, H, W, 1] with values in [0, 1]: 1, 0, or ABSENT. The
 * raters differ in how much they mark and in the noise of their borders. None of them is a person.
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
