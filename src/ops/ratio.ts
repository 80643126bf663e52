import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './withGradient.js';

/**
 * The slope of a quotient is computed as if its denominator were at least this, so that 1/b, and 1e6/b for the
 * steepest slope of a logarithm or a root, are finite in float32 and their products with 0 are 0.
 */
export const SMALLEST_DENOMINATOR = 1e-30;

/**
 * a/b for positive denominators, however small, differentiable to any order. Shapes broadcast. The gradient of tf.div
 * squares the denominator; below 1e-23 the square is 0 in float32, and a confident network gets NaN.
 */
export function ratio<T extends Tensor>(numerator: Tensor | number, denominator: Tensor): T {
  if (typeof numerator === 'number') return multipleOfInverse(numerator, denominator) as T;
  return withGradient(
    [numerator, denominator],
    (a, b) => ({ value: tf.div<T>(a, b), saved: [a, b] }),
    (dy, [a, b]) => {
      const guarded = awayFromZero(b);
      const slope = ratio(dy, guarded);
      return [sumTo(slope, a.shape), sumTo(tf.neg(tf.mul(slope, ratio(a, guarded))), b.shape)];
    },
  );
}

/** numerator/denominator, or `otherwise` where the denominator is 0. Denominators must not be negative. */
export function ratioOr<T extends Tensor>(numerator: Tensor, denominator: Tensor, otherwise: 0 | 1): T {
  const positive = tf.step(denominator);
  const empty = tf.sub(1, positive);
  const quotient = ratio<T>(tf.mul(numerator, positive), tf.add(denominator, empty));
  return otherwise === 0 ? quotient : tf.add(quotient, empty);
}

function multipleOfInverse(numerator: number, denominator: Tensor): Tensor {
  return withGradient(
    denominator,
    (b) => ({ value: tf.div(numerator, b), saved: [b] }),
    (dy, [b]) => {
      const guarded = awayFromZero(b);
      return tf.neg(tf.mul(ratio(dy, guarded), ratio(numerator, guarded)));
    },
  );
}

/** max(b, SMALLEST_DENOMINATOR) with a slope of 1. The gradient of tf.maximum itself cannot be differentiated again. */
function awayFromZero(denominator: Tensor): Tensor {
  return withGradient(
    denominator,
    (b) => ({ value: tf.maximum(b, SMALLEST_DENOMINATOR), saved: [] }),
    (dy) => dy,
  );
}

/** The sum of x over the axes along which a tensor of the given shape was broadcast. */
function sumTo(x: Tensor, shape: number[]): Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, x.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(x, axes) : x, shape);
}
