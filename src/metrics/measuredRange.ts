/** The extremes of an int32 tensor, to be read and held against its range. Call it all inside tf.tidy. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';
import { toLabelPixels, type LabelKind, type Layout } from '../kernels/layout.js';
import { toFloat } from '../ops/toFloat.js';
import { intRange, type IntRange } from '../overlap/intValues.js';
import type { LossInputs } from '../overlap/inputs.js';

export type MeasuredRange = IntRange & {
  /** The smallest and the largest value. */
  extremes: Tensor1D;
};

/** The range of the labels, as they were passed. */
export function rangeOfLabels({ labels, labelKind, weights, layout }: LossInputs): MeasuredRange[] {
  return rangeOfInts('labels', labels, labelKind, weights, layout);
}

/** None where the tensor is not int32. */
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

/** The extremes of [N,P,A] where pixels count, and of `otherwise` where they do not. */
export function extremesOf(values: Tensor3D, weights: Tensor3D | null, otherwise: number): Tensor1D {
  const counted = weights
    ? tf.where(tf.broadcastTo(tf.greater(weights, 0), values.shape), values, tf.fill(values.shape, otherwise))
    : values;
  return tf.stack([tf.min(counted), tf.max(counted)]) as Tensor1D;
}
