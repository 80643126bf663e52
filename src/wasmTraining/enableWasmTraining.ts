import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { conv2DBackpropFilter } from './conv2dBackpropFilter.js';
import { conv3D } from './conv3d.js';
import { conv3DBackpropFilter } from './conv3dBackpropFilter.js';
import { conv3DBackpropInput } from './conv3dBackpropInput.js';
import { depthwiseBackpropFilter } from './depthwiseBackpropFilter.js';
import { depthwiseBackpropInput } from './depthwiseBackpropInput.js';
import { registerGradients } from './gradients.js';
import { maxPool3D } from './maxPool3d.js';
import { maxPool3DGrad, maxPoolGrad } from './maxPoolGrad.js';
import { unsortedSegmentSum } from './segmentSum.js';

/** Kernels that the wasm backend lacks. */
const LACKING = [conv2DBackpropFilter, depthwiseBackpropFilter, depthwiseBackpropInput, unsortedSegmentSum];

/** Kernels that the wasm backend gets wrong. */
const WRONG = [conv3DBackpropFilter, conv3DBackpropInput, maxPool3D, maxPool3DGrad, maxPoolGrad];

/** Kernels that take many times as long as these. */
const SLOW = [conv3D];

/**
 * Makes convolutional networks trainable on the wasm backend of tfjs 4.22. It registers what that backend lacks: the
 * gradient of tf.conv2d with respect to its filter, and the gradients of tf.depthwiseConv2d, of which
 * tf.separableConv2d is made. It replaces what that backend computes wrongly: tf.conv3dTranspose, the gradients of
 * tf.conv3d, and max pooling where no value is positive (the gradient of tf.maxPool, and tf.maxPool3d with its
 * gradient). It also replaces tf.conv3d, which is slow. tf.conv3dTranspose gets a gradient, which tfjs lacks on all
 * backends.
 *
 * @example
 * ```ts
 * enableWasmTraining(); // then tf.setBackend('wasm') and train as on any other backend
 * ```
 */
export function enableWasmTraining(): void {
  for (const kernel of LACKING) if (!tf.getKernel(kernel.kernelName, 'wasm')) tf.registerKernel(kernel);
  [...WRONG, ...SLOW].forEach(replace);
  registerGradients();
}

function replace(kernel: KernelConfig): void {
  const { kernelName, kernelFunc } = kernel;
  const there = tf.getKernel(kernelName, 'wasm');
  if (there?.kernelFunc === kernelFunc) return;
  if (there) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel(kernel);
}
