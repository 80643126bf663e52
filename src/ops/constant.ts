import type { Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './withGradient.js';

/**
 * The value of f as a constant of every gradient: tfjs records nothing inside f, and there is no input through which a
 * gradient could arrive. (Comparisons such as tf.greater have no gradient in tfjs, so one that depends
 * on a differentiated tensor makes tf.grad throw.)
 */
export function constant<T extends Tensor>(f: () => T): T {
  return withGradient(
    [],
    () => ({ value: f(), saved: [] }),
    () => [] as const,
  );
}
