import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * -1, 0 or 1, or NaN for NaN. Its gradient is 0. tf.sign is not used, because on the wasm backend it is 0 for all
 * numbers closer to 0 than 1e-6.
 */
export function sign<T extends Tensor>(x: T): T {
  return tf.tidy(() => tf.sub(tf.step(x), tf.step(tf.neg(x))));
}
