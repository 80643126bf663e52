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
  fail,
  type Axis,
} from '../checks.js';
import { checkTensorValues } from '../checkValues.js';
import { nanRows } from '../ops/nanRows.js';
import { withGradient } from '../ops/withGradient.js';

export interface PowerSharpenOptions {
  /** The axis along which the maximum is taken. Default -1. */
  axis?: number;
}

/**
 * Sharpens values gradually towards one-hot: the result is 1 - (1 - v)^power where v is the maximum along the axis (at
 * every maximum in a tie), and v^power elsewhere. It is v itself at power 1, and approaches one-hot as power grows.
 *
 * The results need not sum to 1, and they jump where two values change places as the maximum, which the gradient does
 * not show: of two values near 0.5, power 4 makes 0.06 and 0.94. The slope is power·(1 - v)^(power - 1) at the maximum,
 * which vanishes near 1, and power·v^(power - 1) elsewhere, which vanishes near 0. A NaN makes its row NaN.
 *
 * @param values float in [0, 1], any shape
 * @param power a number >= 1 (below 1 the slope at 0 would be infinite)
 * @returns values in [0, 1] of the same shape
 * @throws if power < 1, the axis is out of range, or there is no value
 *
 * @example
 * ```ts
 * powerSharpen(tf.tensor([0.1304, 0.5134, 0.7426, 0.7159, 0.5705]), 2); // [0.0170, 0.2636, 0.9337, 0.5125, 0.3255]
 * ```
 */
export function powerSharpen(values: Tensor, power: number, options: PowerSharpenOptions = {}): Tensor {
  return inFunction('powerSharpen', () => {
    checkTensor('values', values);
    checkDtype('values', values, ['float32']);
    checkHoldsValues('values', values);
    checkNumber('power', power, { least: 1 });
    checkOptionNames(options, ['axis']);
    const axis = checkAxis(options.axis ?? -1, values.shape);
    checkTensorValues(`${values.rank}`, { values }, (read) => {
      const bad = read.values.find((v) => !(v >= 0 && v <= 1));
      if (bad !== undefined) fail(`values must lie in [0, 1], got ${bad}`);
    });
    return tf.tidy(() => {
      const largest = isLargest(values, axis);
      const upper = tf.sub(1, powerOf(tf.sub(1, values), power));
      const sharpened = tf.add(tf.mul(upper, largest), tf.mul(powerOf(values, power), tf.sub(1, largest)));
      return tf.add(sharpened, nanRows(values, axis));
    });
  });
}

/** 1 at the maxima along the axis, 0 elsewhere; its gradient is 0. */
function isLargest(values: Tensor, axis: Axis): Tensor {
  return withGradient(
    values,
    (v) => ({ value: tf.cast(tf.greaterEqual(v, tf.max(v, axis, true)), 'float32'), saved: [] }),
    (dy) => tf.zerosLike(dy),
  );
}

/** base^power, with its own gradient, because that of tf.pow is NaN at base 0 for some powers on some backends. */
function powerOf(base: Tensor, power: number): Tensor {
  if (power === 1) return base;
  return withGradient(
    base,
    (x) => ({ value: tf.pow(x, power), saved: [x] }),
    (dy, [x]) => tf.mul(dy, tf.mul(powerOf(x, power - 1), power)),
  );
}
