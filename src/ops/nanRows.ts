import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Axis } from '../checks.js';
import { constant } from './constant.js';

/**
 * NaN for each row along the axis that contains a NaN, 0 for the others; the axis is kept with size 1. Comparisons,
 * argMax and step hide a NaN; adding this to their result makes it visible again. It has no gradient.
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
