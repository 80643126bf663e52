/** Conversion between the shape of a user's tensors and the [N,P,C] of the passes. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { ClassAxis } from '../checks.js';
import { toFloat } from '../ops/toFloat.js';

export type LabelKind = 'soft' | 'indices';

/** The shape of a user's predictions, and the numbers that follow from it. */
export interface Layout {
  shape: readonly number[];
  axis: ClassAxis;
  samples: number;
  pixels: number;
  classes: number;
  spatial: readonly number[];
}

export function layoutOf(shape: readonly number[], axis: ClassAxis): Layout {
  const spatial = shape.filter((_, i) => i !== 0 && i !== axis);
  return {
    shape,
    axis,
    spatial,
    samples: shape[0]!,
    pixels: spatial.reduce((product, size) => product * size, 1),
    classes: shape[axis]!,
  };
}

/** The layout of the tensors that `toPixels` returns. */
export function layoutOfPixels({ samples, pixels, classes }: Layout): Layout {
  return layoutOf([samples, pixels, classes], 2);
}

/** Converts a tensor of the layout's shape to [N,P,C]. */
export function toPixels(x: Tensor, { axis, shape, samples, pixels, classes }: Layout): Tensor3D {
  const last = shape.length - 1;
  const moved = axis === last ? x : tf.transpose(x, [...shape.keys()].filter((i) => i !== axis).concat(axis));
  return tf.reshape(moved, [samples, pixels, classes]);
}

/** Converts [N,P,C] to a tensor of the layout's shape. */
export function fromPixels(x: Tensor3D, { axis, shape, samples, spatial, classes }: Layout): Tensor {
  const classesLast = tf.reshape(x, [samples, ...spatial, classes]);
  const last = shape.length - 1;
  if (axis === last) return classesLast;
  const order = [...shape.keys()].slice(0, last);
  order.splice(axis, 0, last);
  return tf.transpose(classesLast, order);
}

/** Converts labels to float32 [N,P,C], or class indices to int32 [N,P]. */
export function toLabelPixels(labels: Tensor, kind: LabelKind, layout: Layout): Tensor3D | Tensor2D {
  if (kind === 'indices') return tf.reshape(labels, [layout.samples, layout.pixels]) as Tensor2D;
  return toPixels(toFloat(labels), layout);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
