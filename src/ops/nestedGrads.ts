import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { dependOn } from './dependOn.js';

/**
 * tf.grads for use inside a gradient function: the gradients of f at `xs`, given that of its value; 0 to an x that f does
 * not depend on, where tf.grads throws. While gradients flow back tfjs holds the list of what it has recorded; a tf.grads
 * that begins meanwhile would replace it, and drop it at its end.
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
