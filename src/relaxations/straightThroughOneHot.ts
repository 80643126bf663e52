import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import type { Axis } from '../checks.js';
import { softmaxAlong } from '../ops/activations.js';
import { nanRows } from '../ops/nanRows.js';
import { oneHot } from '../ops/oneHot.js';
import { resolveSoftOneHot, type SoftOneHotOptions } from './softOneHot.js';
import { straightThrough } from './straightThrough.js';

export type StraightThroughOneHotOptions = SoftOneHotOptions;

/**
 * Forward one-hot(argmax z) along an axis (the first in a tie), backward the gradient of softmax(sharpness·z). The
 * forward value is what the network will be judged by; the gradient is biased, as it belongs to another function. A NaN
 * makes its row NaN.
 *
 * @param logits float, any shape
 * @returns zeros and ones of the same shape, a single 1 along the axis
 * @throws if sharpness <= 0, the axis is out of range, or there is no value
 *
 * @example
 * ```ts
 * straightThroughOneHot(tf.tensor([[1, 2, 3]])); // [[0, 0, 1]]
 * ```
 *
 * @see Bengio et al., Estimating or propagating gradients through stochastic neurons, 2013, arXiv 1308.3432
 */
export function straightThroughOneHot(logits: Tensor, options: StraightThroughOneHotOptions = {}): Tensor {
  return inFunction('straightThroughOneHot', () => {
    const { sharpness, axis } = resolveSoftOneHot(logits, options);
    return tf.tidy(() => straightThrough(() => hardOneHot(logits, axis), softmaxAlong(logits, sharpness, axis)));
  });
}

/** One-hot of the first maximum along the axis; NaN along it where there is one. It has no gradient. */
export function hardOneHot(logits: Tensor, axis: Axis): Tensor {
  const hard = oneHot(tf.argMax(logits, axis), logits.shape[axis]!);
  const order = [...hard.shape.keys()].slice(0, -1);
  order.splice(axis, 0, logits.rank - 1);
  return tf.add(tf.transpose(hard, order), nanRows(logits, axis));
}
