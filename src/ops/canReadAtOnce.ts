import * as tf from '@tensorflow/tfjs-core';

/** True if reading a tensor synchronously is fast; on WebGPU it is slow, and tfjs prints a warning. */
export const canReadAtOnce = (): boolean => tf.getBackend() !== 'webgpu';
