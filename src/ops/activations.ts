/**
 * softmax, its logarithm, sigmoid and softplus with gradients that compute them again from the logits: these can be differentiated to any order
 * (those of tf.softmax and tf.sigmoid read the saved result, which is off the tape), and keep nothing alive but the
 * logits.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** softmax(sharpness·z) along the axis, counted from the front. */
export function softmaxAlong<T extends Tensor>(logits: T, sharpness: number, axis: number): T {
  return tf.customGrad((z, save) => {
    (save as tf.GradSaveFunc)([z as Tensor]);
    return {
      value: softmax(z as Tensor, sharpness, axis),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => {
        const p = softmaxAlong(kept!, sharpness, axis);
        return scale(tf.mul(p, tf.sub(dy, tf.sum(tf.mul(dy, p), axis, true))), sharpness);
      },
    };
  })(logits) as T;
}

function softmax(logits: Tensor, sharpness: number, axis: number): Tensor {
  const scaled = scale(logits, sharpness);
  const last = logits.rank - 1;
  if (axis === last) return tf.softmax(scaled);
  const swap = Array.from({ length: logits.rank }, (_, i) => (i === axis ? last : i === last ? axis : i));
  return tf.transpose(tf.softmax(tf.transpose(scaled, swap)), swap);
}

/** sigmoid(sharpness·z). */
export function scaledSigmoid<T extends Tensor>(logits: T, sharpness: number): T {
  return tf.customGrad((z, save) => {
    (save as tf.GradSaveFunc)([z as Tensor]);
    return {
      value: tf.sigmoid(scale(z as Tensor, sharpness)),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => {
        // sigmoid(-x) keeps the digits that 1 - sigmoid(x) loses.
        const slope = tf.mul(scaledSigmoid(kept!, sharpness), scaledSigmoid(kept!, -sharpness));
        return scale(tf.mul(dy, slope), sharpness);
      },
    };
  })(logits) as T;
}

/** log softmax(z) along the axis, counted from the front: z - max less the logarithm of Σ exp(z - max). */
export function logSoftmaxAlong<T extends Tensor>(logits: T, axis: number): T {
  return tf.customGrad((z, save) => {
    (save as tf.GradSaveFunc)([z as Tensor]);
    const shifted = tf.sub(z as Tensor, tf.max(z as Tensor, axis, true));
    return {
      value: tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), axis, true))),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) =>
        tf.sub(dy, tf.mul(softmaxAlong(kept!, 1, axis), tf.sum(dy, axis, true))),
    };
  })(logits) as T;
}

/** log(1 + exp(sign·z)), exact for any z: max(sign·z, 0) + log(1 + exp(-abs(z))). Its slope at 0 is sign/2. */
export function softplus<T extends Tensor>(logits: T, sign: 1 | -1): T {
  return tf.customGrad((z, save) => {
    (save as tf.GradSaveFunc)([z as Tensor]);
    return {
      value: tf.add(tf.relu(scale(z as Tensor, sign)), tf.log1p(tf.exp(tf.neg(tf.abs(z as Tensor))))),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => scale(tf.mul(dy, scaledSigmoid(kept!, sign)), sign),
    };
  })(logits) as T;
}

function scale<T extends Tensor>(x: T, factor: number): T {
  return factor === 1 ? x : tf.mul(x, factor);
}
