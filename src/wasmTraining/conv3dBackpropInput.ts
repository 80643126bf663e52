import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { convolveVolumes } from './planes.js';
import { spread } from './spread.js';
import { kernelOfSteps } from './steps.js';

type Shape5 = [number, number, number, number, number];

/**
 * The gradient of conv3d with respect to its input, which is also tf.conv3dTranspose, computed as a convolution of dy
 * with the reversed filter. For strides, zeros are put between the values of dy. It replaces the kernel of tfjs's wasm
 * backend 4.22, which returns wrong values without an error.
 */
const kernelFunc = kernelOfSteps<tf.Conv3DBackpropInputV2Attrs>((inputs, attrs, step, run, part) => {
  const { dy, filter } = inputs as Record<'dy' | 'filter', TensorInfo>;
  const { pad, strides, inputShape } = attrs;
  const info = tf.backend_util.computeConv3DInfo(inputShape, filter.shape as Shape5, strides, 1, pad);
  const { inDepth, inHeight, inWidth, padInfo } = info;
  const axes = [
    { size: inDepth, window: info.filterDepth, stride: info.strideDepth, before: padInfo.front },
    { size: inHeight, window: info.filterHeight, stride: info.strideHeight, before: padInfo.top },
    { size: inWidth, window: info.filterWidth, stride: info.strideWidth, before: padInfo.left },
  ];
  const { x, paddings } = spread(dy, axes, step);
  const turned = step(tf.Reverse, { x: filter }, { dims: [0, 1, 2] });
  const exchanged = step(tf.Transpose, { x: turned }, { perm: [0, 1, 2, 4, 3] });
  const ones: [number, number, number] = [1, 1, 1];
  const convolution = {
    results: [inDepth, inHeight, inWidth] as typeof ones,
    strides: ones,
    dilations: ones,
    paddings,
  };
  return convolveVolumes(x, exchanged, convolution, step, run, part);
});

export const conv3DBackpropInput: KernelConfig = {
  kernelName: tf.Conv3DBackpropInputV2,
  backendName: 'wasm',
  kernelFunc,
};
