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
 * The value is one-hot(argmax z) along an axis (the first class in a tie), and the gradient that of
 * softmax(sharpness·z). The value is therefore the decision by which the network will be judged; the gradient is
 * biased, because it belongs to another function. A NaN makes its row NaN.
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

/** The one-hot of the first maximum along the axis, or NaN in all classes if one is NaN. It has no gradient. */
export function hardOneHot(logits: Tensor, axis: Axis): Tensor {
  const hard = oneHot(tf.argMax(logits, axis), logits.shape[axis]!);
  const order = [...hard.shape.keys()].slice(0, -1);
  order.splice(axis, 0, logits.rank - 1);
  return tf.add(tf.transpose(hard, order), nanRows(logits, axis));
}
