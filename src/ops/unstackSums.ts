import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/** Splits [S,N,C] into S tensors [N,C]. (In tfjs 4.22 the gradient of tf.unstack throws for S = 1.) */
export function unstackSums(sums: Tensor3D): Tensor2D[] {
  return sums.shape[0] === 1 ? [tf.squeeze(sums, [0])] : (tf.unstack(sums) as Tensor2D[]);
}
