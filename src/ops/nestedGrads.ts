import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { dependOn } from './dependOn.js';

/**
 * tf.grads for use inside a gradient function: the gradients of f at `xs`, given the gradient dy of its value. If f
 * does not depend on an x, its gradient is 0; tf.grads would throw. A plain tf.grads inside a gradient function would
 * replace tfjs's current tape, and drop it at its end; here it is put back.
 */
export function nestedGrads(f: (...xs: Tensor[]) => Tensor, xs: Tensor[], dy: Tensor): Tensor[] {
  const { state } = tf.engine();
  const { activeTape } = state;
  try {
    return tf.grads((...inner: Tensor[]) => inner.reduce(dependOn, f(...inner)))(xs, dy);
  } finally {
    state.activeTape = activeTape;
  }
}
