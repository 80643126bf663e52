import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * x as float32. tf.cast alone leaves integers underneath on webgpu, and there tf.transpose of integers fails without an
 * error that anybody could catch.
 */
export function toFloat<T extends Tensor>(x: T): T {
  return x.dtype === 'float32' ? x : tf.mul(tf.cast(x, 'float32'), 1);
}
