import * as tf from '@tensorflow/tfjs-core';
import type { GradConfig } from '@tensorflow/tfjs-core';

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

/** Registers the gradients that tfjs lacks. It has one gradient for all backends, so they hold on all of them. */
export function registerGradients(): void {
  if (!tf.getGradient(tf.Conv3DBackpropInputV2)) tf.registerGradient(conv3DTransposeGradient);
}
