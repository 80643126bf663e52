import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { conv2DBackpropFilter } from './conv2dBackpropFilter.js';
import { conv3DBackpropInput } from './conv3dBackpropInput.js';
import { depthwiseBackpropFilter } from './depthwiseBackpropFilter.js';
import { depthwiseBackpropInput } from './depthwiseBackpropInput.js';

/** Kernels that the wasm backend lacks. */
const LACKING = [conv2DBackpropFilter, depthwiseBackpropFilter, depthwiseBackpropInput];

/** Kernels that the wasm backend gets wrong. */
const WRONG = [conv3DBackpropInput];

/**
 * Makes convolutional networks trainable on the wasm backend of tfjs 4.22. It registers what that backend lacks: the
 * gradient of tf.conv2d with respect to its filter, and the gradients of tf.depthwiseConv2d, of which
 * tf.separableConv2d is made. It replaces the gradient of tf.conv3d with respect to its input (which is also
 * tf.conv3dTranspose), for which that backend returns wrong values.
 *
 * @example
 * ```ts
 * enableWasmTraining(); // then tf.setBackend('wasm') and train as on any other backend
 * ```
 */
export function enableWasmTraining(): void {
  for (const kernel of LACKING) if (!tf.getKernel(kernel.kernelName, 'wasm')) tf.registerKernel(kernel);
  WRONG.forEach(replace);
}

function replace(kernel: KernelConfig): void {
  const { kernelName, kernelFunc } = kernel;
  const there = tf.getKernel(kernelName, 'wasm');
  if (there?.kernelFunc === kernelFunc) return;
  if (there) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel(kernel);
}
