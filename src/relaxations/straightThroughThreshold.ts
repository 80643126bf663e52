import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { scaledSigmoid } from '../ops/activations.js';
import { nanValues } from '../ops/nanRows.js';
import { resolveSoftThreshold, type SoftThresholdOptions } from './softThreshold.js';
import { straightThrough } from './straightThrough.js';

export type StraightThroughThresholdOptions = SoftThresholdOptions;

/**
 * The value is 1 where z > 0 and 0 elsewhere, and the gradient that of sigmoid(sharpness·z). The value is therefore the
 * decision by which the network will be judged; the gradient is biased, because it belongs to another function. NaN
 * stays NaN.
 *
 * @param logits float, any shape
 * @returns zeros and ones of the same shape
 * @throws if sharpness <= 0, or there is no value
 *
 * @example
 * ```ts
 * straightThroughThreshold(tf.tensor([-1, 0, 2])); // [0, 0, 1]
 * ```
 *
 * @see Bengio et al., Estimating or propagating gradients through stochastic neurons, 2013, arXiv 1308.3432
 */
export function straightThroughThreshold(logits: Tensor, options: StraightThroughThresholdOptions = {}): Tensor {
  return inFunction('straightThroughThreshold', () => {
    const sharpness = resolveSoftThreshold(logits, options);
    const hard = () => tf.add(tf.cast(tf.greater(logits, 0), 'float32'), nanValues(logits));
    return tf.tidy(() => straightThrough(hard, scaledSigmoid(logits, sharpness)));
  });
}
