import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { conv2DBackpropFilter } from './conv2dBackpropFilter.js';
import { conv2DBackpropInput } from './conv2dBackpropInput.js';
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
const SLOW = [conv2DBackpropInput, conv3D];

/**
 * Makes convolutional networks trainable on the wasm backend of tfjs 4.22. Call it after tfjs and its wasm backend are
 * imported.
 *
 * It registers kernels that the wasm backend lacks: the gradient of tf.conv2d with respect to its filter, the gradients
 * of tf.depthwiseConv2d (of which tf.separableConv2d is made), and that of tf.gather. It replaces kernels that return
 * wrong values without an error: the gradients of tf.conv3d, tf.conv3dTranspose, and, where no value is positive,
 * tf.maxPool3d and the gradients of tf.maxPool and tf.maxPool3d. It also replaces two that are slow: tf.conv3d, and the
 * gradient of tf.conv2d with respect to its input, which is tf.conv2dTranspose too.
 *
 * On every backend it adds gradients that tfjs lacks: those of tf.conv2d, tf.conv3d and tf.depthwiseConv2d with
 * dilations, and that of tf.conv3dTranspose. One case remains: a tf.layers.conv2d with a dilationRate can be trained
 * only with the activation 'relu' or 'elu', because tfjs computes all others with tf.fused.conv2d, whose gradient
 * nobody can replace.
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

/** True if `enableWasmTraining` gives the wasm backend a kernel that it lacks or gets wrong. */
export const isForWasmTraining = (kernelName: string): boolean =>
  [...LACKING, ...WRONG].some((kernel) => kernel.kernelName === kernelName);
