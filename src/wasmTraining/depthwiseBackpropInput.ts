import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { refuseDilations } from './refuseDilations.js';
import { spread } from './spread.js';
import { kernelOfSteps } from './steps.js';

type Shape4 = [number, number, number, number];

/**
 * The gradient of a depthwise convolution with respect to its input, computed as a depthwise convolution of dy with the
 * reversed filter. A filter [h,w,C,M] gives M outputs for each channel; it is read as [h,w,C·M,1], and the M results of
 * a channel are added up.
 */
const kernelFunc = kernelOfSteps<tf.DepthwiseConv2dNativeBackpropInputAttrs>((inputs, attrs, step, run) => {
  const { dy, filter } = inputs as Record<'dy' | 'filter', TensorInfo>;
  const { strides, dilations, pad, dimRoundingMode, inputShape } = attrs;
  refuseDilations(tf.DepthwiseConv2dNativeBackpropInput, dilations);
  const filterShape = filter.shape as Shape4;
  const [height, width, channels, multiplier] = filterShape;
  const info = tf.backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode, true);
  const { inHeight, inWidth, strideHeight, strideWidth, padInfo } = info;
  const axes = [
    { size: inHeight, window: height, stride: strideHeight, before: padInfo.top },
    { size: inWidth, window: width, stride: strideWidth, before: padInfo.left },
  ];
  const { x, paddings } = spread(dy, axes, step);
  const turned = step(tf.Reverse, { x: filter }, { dims: [0, 1] });
  const single = step(tf.Reshape, { x: turned }, { shape: [height, width, channels * multiplier, 1] });
  const convolution = { strides: 1, pad: [[0, 0], ...paddings, [0, 0]], dataFormat: 'NHWC', dilations: 1 };
  if (multiplier === 1) return run(tf.DepthwiseConv2dNative, { x, filter: single }, convolution);
  const apart = step(tf.DepthwiseConv2dNative, { x, filter: single }, convolution);
  const grouped = step(tf.Reshape, { x: apart }, { shape: [...inputShape, multiplier] });
  return run(tf.Sum, { x: grouped }, { axis: [4], keepDims: false });
});

export const depthwiseBackpropInput: KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropInput,
  backendName: 'wasm',
  kernelFunc,
};
