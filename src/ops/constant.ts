import type { Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './withGradient.js';

/**
 * The value of f as a constant: tfjs records nothing inside f, so no gradient flows through it. Comparisons such as
 * tf.greater need this: they have no gradient in tfjs, so one that depends on a differentiated tensor makes tf.grad
 * throw.
 */
export function constant<T extends Tensor>(f: () => T): T {
  return withGradient(
    [],
    () => ({ value: f(), saved: [] }),
    () => [] as const,
  );
}
