import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** The value of `hard` with the gradient of `soft`: soft + constant(hard - soft), without its rounding error. */
export function straightThrough(hard: () => Tensor, soft: Tensor): Tensor {
  return tf.customGrad((_: Tensor | tf.GradSaveFunc) => ({ value: hard(), gradFunc: (dy: Tensor) => tf.clone(dy) }))(
    soft,
  );
}
