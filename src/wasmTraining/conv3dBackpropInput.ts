import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernelOfSteps, type Run } from './steps.js';

type Shape5 = [number, number, number, number, number];

/**
 * The gradient of conv3d with respect to its input, which is also tf.conv3dTranspose, computed as a convolution of dy
 * with the reversed filter. For strides, zeros are put between the values of dy. It replaces the kernel of tfjs's wasm
 * backend 4.22, which returns wrong values without an error.
 */
const kernelFunc = kernelOfSteps<tf.Conv3DBackpropInputV2Attrs>((inputs, attrs, step, run) => {
  const { dy, filter } = inputs as Record<'dy' | 'filter', TensorInfo>;
  const { pad, strides, inputShape } = attrs;
  const info = tf.backend_util.computeConv3DInfo(inputShape, filter.shape as Shape5, strides, 1, pad);
  const [, ...sizes] = inputShape;
  const windows = [info.filterDepth, info.filterHeight, info.filterWidth];
  const before = [info.padInfo.front, info.padInfo.top, info.padInfo.left];
  const steps = [info.strideDepth, info.strideHeight, info.strideWidth];

  const spread = steps.reduce((x, stride, i) => withZerosBetween(x, 1 + i, stride, step), dy);
  const around = windows.map((window, i) => {
    const first = window - 1 - before[i]!;
    return [first, sizes[i]! + window - 1 - first - spread.shape[1 + i]!];
  });
  const padded = step(tf.PadV2, { x: spread }, { paddings: [[0, 0], ...around, [0, 0]], constantValue: 0 });
  const turned = step(tf.Reverse, { x: filter }, { dims: [0, 1, 2] });
  const exchanged = step(tf.Transpose, { x: turned }, { perm: [0, 1, 2, 4, 3] });
  const convolution = { strides: 1, pad: 'valid', dataFormat: 'NDHWC', dilations: 1 };
  return run(tf.Conv3D, { x: padded, filter: exchanged }, convolution);
});

/** Puts stride - 1 zeros between the values along an axis. */
function withZerosBetween(x: TensorInfo, axis: number, stride: number, step: Run): TensorInfo {
  if (stride === 1) return x;
  const { shape } = x;
  const count = shape[axis]!;
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const rows = step(tf.Reshape, { x }, { shape: [outer * count, 1, inner] });
  const paddings = [
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ];
  const padded = step(tf.PadV2, { x: rows }, { paddings, constantValue: 0 });
  const flat = step(tf.Reshape, { x: padded }, { shape: [outer, count * stride, inner] });
  const length = (count - 1) * stride + 1;
  const cropped = step(tf.Slice, { x: flat }, { begin: [0, 0, 0], size: [outer, length, inner] });
  return step(tf.Reshape, { x: cropped }, { shape: [...shape.slice(0, axis), length, ...shape.slice(axis + 1)] });
}

export const conv3DBackpropInput: KernelConfig = {
  kernelName: tf.Conv3DBackpropInputV2,
  backendName: 'wasm',
  kernelFunc,
};
