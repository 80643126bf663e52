import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import { forPlanes, planeConvolution, seen } from './planes.js';
import { kernelOfSteps } from './steps.js';

type Shape5 = [number, number, number, number, number];

/**
 * The gradient of conv3d with respect to its filter: each of the planes along the filter's depth has the gradient of a
 * convolution of planes. It replaces the kernel of tfjs's wasm backend 4.22, which returns wrong values for strides
 * above 1.
 */
const kernelFunc = kernelOfSteps<tf.Conv3DBackpropFilterV2Attrs>((inputs, attrs, step, run, part) => {
  const { x, dy } = inputs as Record<'x' | 'dy', TensorInfo>;
  const { strides, pad, filterShape } = attrs;
  const info = tf.backend_util.computeConv3DInfo(x.shape as Shape5, filterShape, strides, 1, pad);
  const [input, convolution] = seen(x, info, step);
  const settings = { ...planeConvolution(convolution), dataFormat: 'NHWC', filterShape: filterShape.slice(1) };
  const [samples, depth, ...plane] = dy.shape as Shape5;
  const dyPlanes = step(tf.Reshape, { x: dy }, { shape: [samples * depth, ...plane] });
  const gradients = forPlanes(input, info.filterDepth, convolution, step, part, (_, planes, __, last) =>
    last(tf.Conv2DBackpropFilter, { x: planes, dy: dyPlanes }, settings),
  );
  return run(tf.Pack, gradients as unknown as NamedTensorInfoMap, { axis: 0 });
});

export const conv3DBackpropFilter: KernelConfig = {
  kernelName: tf.Conv3DBackpropFilterV2,
  backendName: 'wasm',
  kernelFunc,
};
