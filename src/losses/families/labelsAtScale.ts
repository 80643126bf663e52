/** Labels and masks at the scale of a coarser prediction, for deepSupervisionLoss. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LabelKind, Layout } from '../../kernels/layout.js';
import { constant } from '../../ops/constant.js';
import { oneHot } from '../../ops/oneHot.js';
import { ratioOr } from '../../ops/ratio.js';
import { averageAlong, nearestAlong } from '../../ops/resample.js';
import { toFloat } from '../../ops/toFloat.js';
import { pixelWeights } from '../../overlap/inputs.js';

/** The options that `deepSupervisionLoss` passes on to the loss, brought to the scale of each prediction. */
export interface ScaleOptions {
  axis?: number;
  mask?: Tensor;
  ignoreLabel?: number;
}

/** The labels, and how they are read. */
export interface FullLabels {
  labels: Tensor;
  kind: LabelKind;
  /** The layout of the predictions, with the spatial sizes of the labels. */
  layout: Layout;
  options: ScaleOptions;
}

interface ScaledLabels {
  labels: Tensor;
  options: ScaleOptions;
}

export function asTheyAre({ labels, options }: FullLabels): ScaledLabels {
  return { labels, options };
}

/** Labels and mask at the scale of a prediction. */
export function atScale(full: FullLabels, scale: Layout, resize: 'average' | 'nearest'): ScaledLabels {
  const { layout, options } = full;
  const { axis, samples, spatial } = layout;
  const axisOption = options.axis === undefined ? {} : { axis: options.axis };
  const weights = pixelWeights(full.labels, full.kind, layout, options);
  const mask = weights && tf.reshape(weights, [samples, ...spatial]);

  if (resize === 'nearest') {
    const perPixel = full.kind === 'indices' ? tf.reshape(full.labels, [samples, ...spatial]) : null;
    const labels = perPixel ?? selected(softLabels(full), weights, layout);
    const moved = toScale(labels, perPixel ? null : axis, scale, nearestAlong);
    return {
      labels: moved,
      options: { ...axisOption, ...(mask ? { mask: toScale(mask, null, scale, nearestAlong) } : {}) },
    };
  }
  const soft = selected(softLabels(full), weights, layout);
  if (!mask) return { labels: toScale(soft, axis, scale, averageAlong), options: axisOption };
  const share = constant(() => toScale(mask, null, scale, averageAlong));
  const perClass = (x: Tensor) => tf.expandDims(x, axis);
  const sum = toScale(tf.mul(soft, perClass(mask)), axis, scale, averageAlong);
  const labels = ratioOr(sum, perClass(share), 0);
  return { labels, options: { ...axisOption, mask: share } };
}

/** Float32 labels of the layout's shape. */
function softLabels({ labels, kind, layout: { shape, axis, classes, samples, spatial } }: FullLabels): Tensor {
  if (kind === 'soft') return toFloat(labels);
  const indices = tf.reshape(labels, [samples, ...spatial]);
  if (classes === 1) return tf.expandDims(toFloat(tf.equal(indices, 1)), axis);
  const last = shape.length - 1;
  const order = withAxis([...shape.keys()].slice(0, last), axis, last);
  const hot = oneHot(indices, classes);
  return axis === last ? hot : tf.transpose(hot, order);
}

/** The labels, with 0 for the pixels that do not count, whatever values these hold. */
function selected(labels: Tensor, weights: Tensor | null, { axis, samples, spatial, shape }: Layout): Tensor {
  if (!weights) return labels;
  const counts = constant(() => {
    const perPixel = tf.reshape(tf.greater(weights, 0), withAxis([samples, ...spatial], axis, 1));
    return tf.broadcastTo(perPixel, [...shape]);
  });
  return tf.where(counts, labels, tf.zerosLike(labels));
}

type Along = (x: Tensor, axis: number, size: number) => Tensor;

/** Brings every spatial axis of x to the sizes of `scale`; x has a class axis, or none (null). */
function toScale(x: Tensor, classAxis: number | null, { spatial }: Layout, along: Along): Tensor {
  return spatial.reduce((moved, size, i) => {
    const axis = classAxis !== null && i + 1 >= classAxis ? i + 2 : i + 1;
    return moved.shape[axis] === size ? moved : along(moved, axis, size);
  }, x);
}

/** The sizes with `size` inserted at `axis`. */
export const withAxis = (sizes: number[], axis: number, size: number): number[] => [
  ...sizes.slice(0, axis),
  size,
  ...sizes.slice(axis),
];
