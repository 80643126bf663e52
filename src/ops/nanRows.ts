import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Axis } from '../checks.js';
import { constant } from './constant.js';

/**
 * NaN for each row along the axis that holds a NaN, 0 for the others, with the axis kept at size 1. Comparisons, argMax
 * and step take NaN for an ordinary value; added to what they give, this lets it show. It has no gradient.
 */
export function nanRows<T extends Tensor>(x: T, axis: Axis): T {
  return constant(() => {
    const broken = tf.any(tf.notEqual(x, x), axis, true);
    return tf.where(broken, tf.fill(broken.shape, NaN), tf.zeros(broken.shape)) as T;
  });
}

/** NaN where x is NaN, 0 elsewhere. It has no gradient. */
export function nanValues<T extends Tensor>(x: T): T {
  return constant(() => tf.where(tf.notEqual(x, x), tf.fill(x.shape, NaN), tf.zeros(x.shape)) as T);
}
