import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkDtype, checkHoldsValues, checkNumber, checkOptionNames, checkTensor } from '../checks.js';
import { scaledSigmoid } from '../ops/activations.js';

export interface SoftThresholdOptions {
  /** The factor on the logits, > 0; the larger it is, the closer the result is to a step. Default 1. */
  sharpness?: number;
}

/**
 * sigmoid(sharpness·z): a differentiable replacement for the threshold z > 0, which it approaches as sharpness grows.
 * The gradient, sharpness·p(1 - p), vanishes away from 0, and the larger sharpness is, the sooner it does: at z = ±2 it
 * is 0.10 at sharpness 1, 1.3e-3 at 4 and 9e-7 at 8. To threshold at another value, subtract it from the logits.
 *
 * @param logits float, any shape
 * @returns values in [0, 1] of the same shape
 * @throws if sharpness <= 0
 *
 * @example
 * ```ts
 * softThreshold(tf.tensor([-1, 0, 2]), { sharpness: 4 }); // [0.018, 0.5, 0.9997]
 * ```
 */
export function softThreshold(logits: Tensor, options: SoftThresholdOptions = {}): Tensor {
  return inFunction('softThreshold', () => {
    const sharpness = resolveSoftThreshold(logits, options);
    return tf.tidy(() => scaledSigmoid(logits, sharpness));
  });
}

export function resolveSoftThreshold(logits: Tensor, options: SoftThresholdOptions): number {
  checkTensor('logits', logits);
  checkDtype('logits', logits, ['float32']);
  checkHoldsValues('logits', logits);
  checkOptionNames(options, ['sharpness']);
  const { sharpness = 1 } = options;
  checkNumber('sharpness', sharpness, { least: 0, open: true });
  return sharpness;
}
