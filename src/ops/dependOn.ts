import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * y, as a value that depends on x with a gradient of 0: tf.grad throws for an x that the result does not depend on.
 */
export function dependOn<T extends Tensor>(y: T, x: Tensor): T {
  const zero = tf.customGrad((inner, save) => {
    (save as tf.GradSaveFunc)([inner as Tensor]);
    return { value: tf.scalar(0), gradFunc: (_: Tensor, [kept]: Tensor[]) => tf.zerosLike(kept!) };
  });
  return tf.add(y, zero(x));
}
