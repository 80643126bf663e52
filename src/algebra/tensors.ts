import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { scaledSigmoid } from '../kernels/activations.js';
import { STEEPEST, type Algebra } from './algebra.js';

/** The algebra in tfjs ops, which has gradients of any order. */
export const tensorAlgebra: Algebra<Tensor2D> = {
  row: (values) => tf.tensor2d([...values], [1, values.length]),
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  divide(numerator, denominator, otherwise) {
    const positive = tf.step(denominator);
    const empty = tf.sub(1, positive);
    const ratio: Tensor2D = tf.div(tf.mul(numerator, positive), tf.add(denominator, empty));
    return otherwise === 0 ? ratio : tf.add(ratio, empty);
  },
  power,
  log,
  logCosh,
  step: (x) => tf.step(x),
  sumOfRows: (x) => tf.sum(x, 0, true),
  sumOfColumns: (x) => tf.sum(x, 1, true),
};

function power(x: Tensor2D, exponent: number): Tensor2D {
  return tf.customGrad((base, save) => {
    (save as tf.GradSaveFunc)([base as Tensor2D]);
    return {
      value: tf.pow(tf.relu(base as Tensor2D), exponent),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => tf.mul(dy, slope(kept as Tensor2D, exponent)),
    };
  })(x) as Tensor2D;
}

function slope(x: Tensor2D, exponent: number): Tensor2D {
  const base = exponent < 1 ? tf.maximum(x, STEEPEST) : tf.relu(x);
  return tf.mul(tf.pow(base, exponent - 1), exponent);
}

function log(x: Tensor2D): Tensor2D {
  return tf.customGrad((inner, save) => {
    (save as tf.GradSaveFunc)([inner as Tensor2D]);
    const below = tf.minimum(tf.sub(inner as Tensor2D, STEEPEST), 0);
    return {
      value: tf.add(tf.log(tf.maximum(inner as Tensor2D, STEEPEST)), tf.div(below, STEEPEST)),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => tf.div(dy, tf.maximum(kept!, STEEPEST)),
    };
  })(x) as Tensor2D;
}

function logCosh(x: Tensor2D): Tensor2D {
  return tf.customGrad((inner, save) => {
    (save as tf.GradSaveFunc)([inner as Tensor2D]);
    const half = tf.div(inner as Tensor2D, 2);
    return {
      // cosh(x) - 1 = (exp(x/2) - exp(-x/2))²/2
      value: tf.log1p(tf.div(tf.square(tf.sub(tf.exp(half), tf.exp(tf.neg(half)))), 2)),
      // tanh(x)
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => tf.mul(dy, tf.sub(tf.mul(scaledSigmoid(kept!, 2), 2), 1)),
    };
  })(x) as Tensor2D;
}
