import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * x as float32. On webgpu the result of tf.cast alone still holds integers, and tf.transpose of integers fails there
 * without an error that could be caught. Users pass such results too, say as masks.
 */
export function toFloat<T extends Tensor>(x: T): T {
  return x.dtype === 'float32' && !holdsIntegers(x) ? x : tf.mul(tf.cast(x, 'float32'), 1);
}

/** True if the values in the backend's memory are no floats, although the tensor is float32. */
function holdsIntegers({ dataId }: Tensor): boolean {
  const { tensorMap } = tf.backend() as { tensorMap?: { get(id: object): { dtype?: string } | undefined } };
  const { dtype = 'float32' } = tensorMap?.get(dataId) ?? {};
  return dtype !== 'float32';
}
