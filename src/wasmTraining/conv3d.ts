import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { convolveVolumes, seen } from './planes.js';
import { kernelOfSteps } from './steps.js';

type Three = [number, number, number];
type Shape5 = [number, number, number, number, number];

/** tf.conv3d as convolutions of planes. The kernel of tfjs's wasm backend 4.22 takes 15 to 50 times as long. */
const kernelFunc = kernelOfSteps<tf.Conv3DAttrs>((inputs, attrs, step, run, part) => {
  const { x, filter } = inputs as Record<'x' | 'filter', TensorInfo>;
  const { strides, pad, dilations } = attrs;
  const [shape, filterShape] = [x.shape as Shape5, filter.shape as Shape5];
  const info = tf.backend_util.computeConv3DInfo(shape, filterShape, strides, dilations as number | Three, pad);
  const [input, convolution] = seen(x, info, step);
  return convolveVolumes(input, filter, convolution, step, run, part);
});

export const conv3D: KernelConfig = { kernelName: tf.Conv3D, backendName: 'wasm', kernelFunc };
