import * as tf from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Run } from './steps.js';

/** How a convolution goes along one axis: the input's size, the filter's, the stride, and the padding before. */
export interface Axis {
  size: number;
  window: number;
  stride: number;
  before: number;
}

/** Zeros that a convolution adds before and after an axis. Negative numbers leave values out. */
export type Padding = [before: number, after: number];

/** A tensor, and the zeros around its spatial axes. */
export interface Padded {
  x: TensorInfo;
  paddings: Padding[];
}

/**
 * Puts zeros between the values of dy, for strides, and says how to pad the result, so that its convolution with the
 * reversed filter is the gradient with respect to the input. The axes are those of dy after the first. Where the
 * convolution padded more than the filter reaches, values of dy that no input had a part in are cut off.
 */
export function spread(dy: TensorInfo, axes: readonly Axis[], step: Run): Padded {
  const x = axes.reduce((apart, { stride }, i) => withZerosAfterEach(apart, 1 + i, stride - 1, step), dy);
  const paddings = axes.map(({ size, window, before }, i): Padding => {
    return [window - 1 - before, size + before - x.shape[1 + i]!];
  });
  return cutNegative({ x, paddings }, step);
}

/** Cuts off what negative padding leaves out, so that none is left. */
export function cutNegative({ x, paddings }: Padded, step: Run): Padded {
  const cut = paddings.reduce((whole, [before, after], i) => {
    const begin = Math.max(-before, 0);
    return crop(whole, 1 + i, begin, whole.shape[1 + i]! - begin - Math.max(-after, 0), step);
  }, x);
  return { x: cut, paddings: paddings.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)]) };
}

function withZerosAfterEach(x: TensorInfo, axis: number, zeros: number, step: Run): TensorInfo {
  if (zeros === 0) return x;
  const count = x.shape[axis]!;
  const [outer, inner] = around(x.shape, axis);
  const rows = step(tf.Reshape, { x }, { shape: [outer * count, inner] });
  const paddings = [
    [0, 0],
    [0, zeros * inner],
  ];
  const padded = step(tf.PadV2, { x: rows }, { paddings, constantValue: 0 });
  return step(tf.Reshape, { x: padded }, { shape: withSize(x.shape, axis, count * (1 + zeros)) });
}

/** The values from `begin` to `begin + size` along an axis. It slices a matrix, of which wasm copies whole rows. */
export function crop(x: TensorInfo, axis: number, begin: number, size: number, step: Run): TensorInfo {
  const count = x.shape[axis]!;
  if (begin === 0 && size === count) return x;
  const [outer, inner] = around(x.shape, axis);
  const matrix = step(tf.Reshape, { x }, { shape: [outer, count * inner] });
  const part = step(tf.Slice, { x: matrix }, { begin: [0, begin * inner], size: [outer, size * inner] });
  return step(tf.Reshape, { x: part }, { shape: withSize(x.shape, axis, size) });
}

/** The products of the sizes before and after an axis. */
function around(shape: readonly number[], axis: number): [outer: number, inner: number] {
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  return [product(shape.slice(0, axis)), product(shape.slice(axis + 1))];
}

function withSize(shape: readonly number[], axis: number, size: number): number[] {
  return shape.map((other, i) => (i === axis ? size : other));
}
