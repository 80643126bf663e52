import * as tf from '@tensorflow/tfjs-core';

/** True if reading a tensor synchronously is fast; on WebGPU it is slow, and tfjs prints a warning. */
export const canReadAtOnce = (): boolean => tf.getBackend() !== 'webgpu';

/** True if reading a whole tensor takes no longer than computing with it. From the memory of a GPU it does. */
export const canReadWhole = (): boolean => !['webgl', 'webgpu'].includes(tf.getBackend());
