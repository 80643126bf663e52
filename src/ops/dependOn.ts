import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './withGradient.js';

/** y as a value that depends on x with a gradient of 0, because tf.grad throws if the result does not depend on x. */
export function dependOn<T extends Tensor>(y: T, x: Tensor): T {
  const zero = withGradient(
    x,
    (x) => ({ value: tf.scalar(0), saved: [x] }),
    (_, [x]) => tf.zerosLike(x),
  );
  return tf.add(y, zero);
}
