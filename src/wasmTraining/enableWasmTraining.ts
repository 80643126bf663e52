import * as tf from '@tensorflow/tfjs-core';
import { conv2DBackpropFilter } from './conv2dBackpropFilter.js';
import { conv3DBackpropInput } from './conv3dBackpropInput.js';

/**
 * Makes convolutional networks trainable on the wasm backend of tfjs 4.22. It registers the gradient of tf.conv2d with
 * respect to its filter, which that backend lacks, and that of tf.conv3d with respect to its input (which is also
 * tf.conv3dTranspose), for which that backend returns wrong values. Depthwise convolutions still cannot be trained on
 * wasm.
 *
 * @example
 * ```ts
 * enableWasmTraining(); // then tf.setBackend('wasm') and train as on any other backend
 * ```
 */
export function enableWasmTraining(): void {
  if (!tf.getKernel(conv2DBackpropFilter.kernelName, 'wasm')) tf.registerKernel(conv2DBackpropFilter);
  const { kernelName, kernelFunc } = conv3DBackpropInput;
  const there = tf.getKernel(kernelName, 'wasm');
  if (there?.kernelFunc === kernelFunc) return;
  if (there) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel(conv3DBackpropInput);
}
