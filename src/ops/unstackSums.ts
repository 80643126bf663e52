import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/** [S,N,C] as S tensors [N,C]. (The gradient of tf.unstack throws in tfjs 4.22 when there is just one.) */
export function unstackSums(sums: Tensor3D): Tensor2D[] {
  return sums.shape[0] === 1 ? [tf.squeeze(sums, [0])] : (tf.unstack(sums) as Tensor2D[]);
}
