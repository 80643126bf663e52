import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkAxis,
  checkDtype,
  checkHoldsValues,
  checkNumber,
  checkOptionNames,
  checkTensor,
  type Axis,
} from '../checks.js';
import { softmaxAlong } from '../ops/activations.js';

export interface SoftOneHotOptions {
  /** The factor on the logits, > 0; the larger it is, the closer the result is to one-hot. Default 1. */
  sharpness?: number;
  /** The class axis. Default -1. */
  axis?: number;
}

/**
 * softmax(sharpness·z) along an axis: a differentiable replacement for one-hot(argmax z), which it approaches as
 * sharpness grows. The gradient vanishes where one class is far ahead, and the larger sharpness is, the sooner it does:
 * for two classes whose logits differ by 2 it is 0.10 at sharpness 1, 1.3e-3 at 4 and 9e-7 at 8.
 *
 * @param logits float, any shape
 * @returns values in [0, 1] of the same shape that sum to 1 along the axis
 * @throws if sharpness <= 0, or the axis is out of range
 *
 * @example
 * ```ts
 * softOneHot(tf.tensor([[1, 2, 3]]), { sharpness: 4 }); // [[0.0003, 0.018, 0.9817]]
 * ```
 */
export function softOneHot(logits: Tensor, options: SoftOneHotOptions = {}): Tensor {
  return inFunction('softOneHot', () => {
    const { sharpness, axis } = resolveSoftOneHot(logits, options);
    return tf.tidy(() => softmaxAlong(logits, sharpness, axis));
  });
}

export function resolveSoftOneHot(logits: Tensor, options: SoftOneHotOptions): { sharpness: number; axis: Axis } {
  checkTensor('logits', logits);
  checkDtype('logits', logits, ['float32']);
  checkHoldsValues('logits', logits);
  checkOptionNames(options, ['sharpness', 'axis']);
  const { sharpness = 1, axis = -1 } = options;
  checkNumber('sharpness', sharpness, { least: 0, open: true });
  return { sharpness, axis: checkAxis(axis, logits.shape) };
}
