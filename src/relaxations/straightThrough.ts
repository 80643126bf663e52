import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/withGradient.js';

/** The value of `hard` with the gradient of `soft`: like soft + constant(hard - soft), but without rounding error. */
export function straightThrough(hard: () => Tensor, soft: Tensor): Tensor {
  return withGradient(
    soft,
    () => ({ value: hard(), saved: [] }),
    (dy) => tf.clone(dy),
  );
}
