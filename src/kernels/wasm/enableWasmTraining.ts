import * as tf from '@tensorflow/tfjs-core';
import { conv2DBackpropFilter } from './conv2dBackpropFilter.js';

/**
 * Makes convolutional networks trainable on the wasm backend: registers the one kernel that takes, the gradient of
 * tf.conv2d to its filter, which @tensorflow/tfjs-backend-wasm 4.22 lacks. Does nothing where the kernel is there
 * already. (Depthwise convolutions still cannot be trained on wasm.)
 *
 * @example
 * ```ts
 * enableWasmTraining(); // then tf.setBackend('wasm') and train as on any other backend
 * ```
 */
export function enableWasmTraining(): void {
  const { kernelName } = conv2DBackpropFilter;
  if (!tf.getKernel(kernelName, 'wasm')) tf.registerKernel(conv2DBackpropFilter);
}
