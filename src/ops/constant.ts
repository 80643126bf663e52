import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * The value of f as a constant of every gradient: tfjs records nothing inside a customGrad, and this one has no input
 * through which a gradient could arrive. (Comparisons such as tf.greater have no gradient in tfjs, so one that depends
 * on a differentiated tensor makes tf.grad throw.)
 */
export function constant<T extends Tensor>(f: () => T): T {
  return tf.customGrad(() => ({ value: f(), gradFunc: () => [] }))() as T;
}
