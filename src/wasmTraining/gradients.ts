import * as tf from '@tensorflow/tfjs-core';
import type { GradConfig, GradFunc } from '@tensorflow/tfjs-core';
import { conv2DDilated, conv3DDilated, depthwiseDilated } from './dilatedGradients.js';

/** tf.layers.depthwiseConv2d has null. */
type Dilations = number | number[] | null | undefined;

/** tfjs's own gradients refuse dilations above 1; these compute them. */
const DILATED: Record<string, GradFunc> = {
  [tf.Conv2D]: conv2DDilated,
  [tf.Conv3D]: conv3DDilated,
  [tf.DepthwiseConv2dNative]: depthwiseDilated,
};

/** The gradient of tf.conv3dTranspose, which tfjs lacks on every backend. */
const conv3DTransposeGradient: GradConfig = {
  kernelName: tf.Conv3DBackpropInputV2,
  inputsToSave: ['dy', 'filter'],
  gradFunc: (upstream, saved, attrs) => {
    const ddx = upstream as tf.Tensor5D;
    const [dy, filter] = saved as [tf.Tensor5D, tf.Tensor5D];
    const { strides, pad } = attrs as unknown as tf.Conv3DBackpropInputV2Attrs;
    const settings = { strides, pad, filterShape: filter.shape };
    return {
      dy: () => tf.conv3d(ddx, filter, strides, pad),
      filter: () => tf.engine().runKernel(tf.Conv3DBackpropFilterV2, { x: ddx, dy }, settings) as tf.Tensor,
    };
  },
};

const extended = new WeakSet<GradConfig>();

/** Registers the gradients that tfjs lacks. It has one gradient for all backends, so they hold on all of them. */
export function registerGradients(): void {
  for (const [kernelName, dilated] of Object.entries(DILATED)) extend(kernelName, dilated);
  if (!tf.getGradient(tf.Conv3DBackpropInputV2)) tf.registerGradient(conv3DTransposeGradient);
}

/** True if registerGradients would give an operation a gradient, or more of one than tfjs's. */
export function wouldAddGradient(kernelName: string): boolean {
  const there = tf.getGradient(kernelName);
  if (Object.hasOwn(DILATED, kernelName)) return there !== undefined && !extended.has(there);
  return kernelName === conv3DTransposeGradient.kernelName && !there;
}

/** Leaves the registered gradient as it is for dilations of 1. */
function extend(kernelName: string, dilated: GradFunc): void {
  const own = tf.getGradient(kernelName);
  if (!own || extended.has(own)) return;
  const config: GradConfig = {
    ...own,
    gradFunc: (dy, saved, attrs) => {
      const dilations = attrs.dilations as Dilations;
      const plain = tf.backend_util.tupleValuesAreOne(dilations ?? 1);
      return (plain ? own.gradFunc : dilated)(dy, saved, attrs);
    },
  };
  extended.add(config);
  tf.unregisterGradient(kernelName);
  tf.registerGradient(config);
}
