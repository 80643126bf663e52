import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { scaledSigmoid } from '../ops/activations.js';
import { constant } from '../ops/constant.js';
import { ratio, ratioOr } from '../ops/ratio.js';
import { withGradient } from '../ops/withGradient.js';
import { STEEPEST, type Algebra } from './algebra.js';

/** The algebra in tfjs ops, with gradients of any order. */
export const tensorAlgebra: Algebra<Tensor2D> = {
  row: (values) => tf.tensor2d([...values], [1, values.length]),
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  divide: (numerator, denominator, otherwise) => ratioOr(numerator, denominator, otherwise),
  power,
  log,
  logCosh,
  step: (x) => tf.step(x),
  sumOfRows: (x) => tf.sum(x, 0, true),
  sumOfColumns: (x) => tf.sum(x, 1, true),
};

/** max(x, 0)^exponent. For a negative exponent, as in gradients, it is max(x, 1e-6)^exponent. */
function power(x: Tensor2D, exponent: number): Tensor2D {
  return withGradient(
    x,
    (x) => ({ value: tf.pow(exponent < 0 ? tf.maximum(x, STEEPEST) : tf.relu(x), exponent) as Tensor2D, saved: [x] }),
    (dy, [x]) => {
      const slope = tf.mul(dy, tf.mul(power(x, exponent - 1), exponent));
      if (exponent >= 0) return slope;
      const above = constant(() => tf.step(tf.sub(x, STEEPEST)));
      return tf.mul(slope, above);
    },
  );
}

function log(x: Tensor2D): Tensor2D {
  return withGradient(
    x,
    (x) => {
      const below = tf.minimum(tf.sub(x, STEEPEST), 0);
      const value: Tensor2D = tf.add(tf.log(tf.maximum(x, STEEPEST)), tf.mul(below, 1 / STEEPEST));
      return { value, saved: [x] };
    },
    (dy, [x]) => ratio(dy, tf.maximum(x, STEEPEST)),
  );
}

function logCosh(x: Tensor2D): Tensor2D {
  return withGradient(
    x,
    (x) => {
      const half = tf.mul(x, 0.5);
      // cosh(x) - 1 = (exp(x/2) - exp(-x/2))²/2
      const lessOne = tf.mul<Tensor2D>(tf.square(tf.sub(tf.exp(half), tf.exp(tf.neg(half)))), 0.5);
      return { value: tf.log1p(lessOne), saved: [x] };
    },
    // tanh(x)
    (dy, [x]) => tf.mul(dy, tf.sub(tf.mul(scaledSigmoid(x, 2), 2), 1)),
  );
}
