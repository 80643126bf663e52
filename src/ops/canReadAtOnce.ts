import * as tf from '@tensorflow/tfjs-core';

/** Whether the current backend gives the values of a tensor without being awaited. WebGPU is the one that does not. */
export const canReadAtOnce = (): boolean => tf.getBackend() !== 'webgpu';
