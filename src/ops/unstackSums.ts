import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/** Splits [S,N,C] into S tensors [N,C], also for S = 1, where the gradient of tf.unstack throws in tfjs 4.22. */
export function unstackSums(sums: Tensor3D): Tensor2D[] {
  return sums.shape[0] === 1 ? [tf.squeeze(sums, [0])] : (tf.unstack(sums) as Tensor2D[]);
}
