import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { scaledSigmoid } from '../ops/activations.js';
import { constant } from '../ops/constant.js';
import { ratio, ratioOr } from '../ops/ratio.js';
import { STEEPEST, type Algebra } from './algebra.js';

/** The algebra in tfjs ops, which has gradients of any order. */
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

/** max(x, 0)^exponent, and for an exponent below 0 max(x, 1e-6)^exponent, which is a constant below 1e-6. */
function power(x: Tensor2D, exponent: number): Tensor2D {
  return tf.customGrad((base, save) => {
    (save as tf.GradSaveFunc)([base as Tensor2D]);
    return {
      value: tf.pow(exponent < 0 ? tf.maximum(base as Tensor2D, STEEPEST) : tf.relu(base as Tensor2D), exponent),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => {
        const slope = tf.mul(dy, tf.mul(power(kept as Tensor2D, exponent - 1), exponent));
        return exponent < 0
          ? tf.mul(
              slope,
              constant(() => tf.step(tf.sub(kept!, STEEPEST))),
            )
          : slope;
      },
    };
  })(x) as Tensor2D;
}

function log(x: Tensor2D): Tensor2D {
  return tf.customGrad((inner, save) => {
    (save as tf.GradSaveFunc)([inner as Tensor2D]);
    const below = tf.minimum(tf.sub(inner as Tensor2D, STEEPEST), 0);
    return {
      value: tf.add(tf.log(tf.maximum(inner as Tensor2D, STEEPEST)), tf.mul(below, 1 / STEEPEST)),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => ratio(dy, tf.maximum(kept!, STEEPEST)),
    };
  })(x) as Tensor2D;
}

function logCosh(x: Tensor2D): Tensor2D {
  return tf.customGrad((inner, save) => {
    (save as tf.GradSaveFunc)([inner as Tensor2D]);
    const half = tf.mul(inner as Tensor2D, 0.5);
    return {
      // cosh(x) - 1 = (exp(x/2) - exp(-x/2))²/2
      value: tf.log1p(tf.mul(tf.square(tf.sub(tf.exp(half), tf.exp(tf.neg(half)))), 0.5)),
      // tanh(x)
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => tf.mul(dy, tf.sub(tf.mul(scaledSigmoid(kept!, 2), 2), 1)),
    };
  })(x) as Tensor2D;
}
