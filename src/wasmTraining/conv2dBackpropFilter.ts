import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernelOfSteps } from './steps.js';

/**
 * The gradient of conv2d with respect to its filter, computed as a convolution in which input channels and samples
 * change places: the padded input [Cin,H,W,N] convolved with dy [outH,outW,N,Cout] is the gradient [Cin,h,w,Cout]. The
 * strides of the forward convolution become dilations. In trials this was four to seven times faster than one matrix
 * product per filter offset, because XNNPACK's convolutions are much faster than its matrix products with a transposed
 * factor.
 */
const kernelFunc = kernelOfSteps<tf.Conv2DBackpropFilterAttrs>((inputs, attrs, step, run) => {
  const { x, dy } = inputs as Record<'x' | 'dy', TensorInfo>;
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs;
  if (dataFormat !== 'NHWC') throw new Error(`Conv2DBackpropFilter on wasm takes dataFormat NHWC, got ${dataFormat}`);
  const shape = x.shape as [number, number, number, number];
  const info = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad, dimRoundingMode);
  const { top, bottom, left, right } = info.padInfo;
  const [height, width, channels, outputs] = filterShape;
  const paddings = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const padded = step(tf.PadV2, { x }, { paddings, constantValue: 0 });
  const image = step(tf.Transpose, { x: padded }, { perm: [3, 1, 2, 0] });
  const filter = step(tf.Transpose, { x: dy }, { perm: [1, 2, 0, 3] });
  const dilations = [info.strideHeight, info.strideWidth];
  const convolution = { strides: 1, pad: 'valid', dataFormat, dilations };
  const convolved = step(tf.Conv2D, { x: image, filter }, convolution);
  // The result is larger than the filter if the forward convolution's last stride did not reach all rows and columns.
  const cropped = step(tf.Slice, { x: convolved }, { begin: [0, 0, 0, 0], size: [channels, height, width, outputs] });
  return run(tf.Transpose, { x: cropped }, { perm: [1, 2, 0, 3] });
});

export const conv2DBackpropFilter: KernelConfig = {
  kernelName: tf.Conv2DBackpropFilter,
  backendName: 'wasm',
  kernelFunc,
};
