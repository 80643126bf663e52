import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** numerator/denominator, and `otherwise` where the denominator is 0; finite gradients of any order in both cases. */
export function divide<T extends Tensor>(numerator: T, denominator: T, otherwise: 0 | 1): T {
  const positive = tf.step(denominator) as T;
  const empty = tf.sub(1, positive);
  const ratio = tf.div(tf.mul(numerator, positive), tf.add(denominator, empty));
  return (otherwise === 0 ? ratio : tf.add(ratio, empty)) as T;
}
