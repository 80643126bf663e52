/**
 * softmax, its logarithm, sigmoid and softplus, with gradients that compute the function again from the logits. They
 * can be differentiated to any order and keep only the logits in memory. The gradients of tf.softmax and tf.sigmoid
 * cannot, because they read the saved result, which is off the tape.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Axis } from '../checks.js';
import { withGradient } from './withGradient.js';

/** softmax(sharpness·z) along the axis. */
export function softmaxAlong<T extends Tensor>(logits: T, sharpness: number, axis: Axis): T {
  return withGradient(
    logits,
    (z) => ({ value: softmax(z, sharpness, axis), saved: [z] }),
    (dy, [z]) => {
      const p = softmaxAlong(z, sharpness, axis);
      return scale(tf.mul(p, tf.sub(dy, tf.sum(tf.mul(dy, p), axis, true))), sharpness);
    },
  );
}

function softmax<T extends Tensor>(logits: T, sharpness: number, axis: Axis): T {
  const scaled = scale(logits, sharpness);
  const last = logits.rank - 1;
  if (axis === last) return tf.softmax(scaled);
  const swap = Array.from({ length: logits.rank }, (_, i) => (i === axis ? last : i === last ? axis : i));
  return tf.transpose(tf.softmax(tf.transpose(scaled, swap)), swap);
}

/** sigmoid(sharpness·z). */
export function scaledSigmoid<T extends Tensor>(logits: T, sharpness: number): T {
  return withGradient(
    logits,
    (z) => ({ value: tf.sigmoid(scale(z, sharpness)), saved: [z] }),
    (dy, [z]) => {
      // sigmoid(-x) is precise where 1 - sigmoid(x) loses digits.
      const slope = tf.mul(scaledSigmoid(z, sharpness), scaledSigmoid(z, -sharpness));
      return scale(tf.mul(dy, slope), sharpness);
    },
  );
}

/** log softmax(z) along the axis: z - max - log Σ exp(z - max). */
export function logSoftmaxAlong<T extends Tensor>(logits: T, axis: Axis): T {
  return withGradient(
    logits,
    (z) => {
      const shifted = tf.sub(z, tf.max(z, axis, true));
      return { value: tf.sub<T>(shifted, tf.log(tf.sum(tf.exp(shifted), axis, true))), saved: [z] };
    },
    (dy, [z]) => tf.sub(dy, tf.mul(softmaxAlong(z, 1, axis), tf.sum(dy, axis, true))),
  );
}

/** log(1 + exp(sign·z)), exact for any z: max(sign·z, 0) + log(1 + exp(-abs(z))). Its slope at 0 is sign/2. */
export function softplus<T extends Tensor>(logits: T, sign: 1 | -1): T {
  return withGradient(
    logits,
    (z) => ({ value: tf.add<T>(tf.relu(scale(z, sign)), tf.log1p(tf.exp(tf.neg(tf.abs(z))))), saved: [z] }),
    (dy, [z]) => scale(tf.mul(dy, scaledSigmoid(z, sign)), sign),
  );
}

function scale<T extends Tensor>(x: T, factor: number): T {
  return factor === 1 ? x : tf.mul(x, factor);
}
