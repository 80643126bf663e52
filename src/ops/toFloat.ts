import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * x as float32. On webgpu the result of tf.cast alone still holds integers, and tf.transpose of integers fails there
 * without an error that could be caught.
 */
export function toFloat<T extends Tensor>(x: T): T {
  return x.dtype === 'float32' ? x : tf.mul(tf.cast(x, 'float32'), 1);
}
