/**
 * The extremes of an int32 tensor, which are read back and compared with the range that its values must lie in. Call
 * these functions inside tf.tidy.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';
import { toLabelPixels, type LabelKind, type Layout } from '../kernels/layout.js';
import { toFloat } from '../ops/toFloat.js';
import { intRange, type IntRange } from '../overlap/intValues.js';
import type { LossInputs } from '../overlap/inputs.js';

export type MeasuredRange = IntRange & {
  /** The smallest and the largest value, [2]. */
  extremes: Tensor1D;
};

/** The range of the labels. */
export function rangeOfLabels({ labels, labelKind, weights, layout }: LossInputs): MeasuredRange[] {
  return rangeOfInts('labels', labels, labelKind, weights, layout);
}

/** The range of a tensor; an empty list if the tensor is not int32. */
export function rangeOfInts(
  name: string,
  tensor: Tensor,
  kind: LabelKind,
  weights: Tensor3D | null,
  layout: Layout,
): MeasuredRange[] {
  if (tensor.dtype !== 'int32') return [];
  const { samples, pixels } = layout;
  const values = tf.reshape(toFloat(toLabelPixels(tensor, kind, layout)), [samples, pixels, -1]);
  return [{ ...intRange(name, kind, layout.classes), extremes: extremesOf(values as Tensor3D, weights, 0) }];
}

/** The extremes of [N,P,A], with `otherwise` in place of the values of pixels that do not count. */
export function extremesOf(values: Tensor3D, weights: Tensor3D | null, otherwise: number): Tensor1D {
  const counted = weights
    ? tf.where(tf.broadcastTo(tf.greater(weights, 0), values.shape), values, tf.fill(values.shape, otherwise))
    : values;
  return tf.stack([tf.min(counted), tf.max(counted)]) as Tensor1D;
}
