import * as tf from '@tensorflow/tfjs-core';

/**
 * True if the backend keeps tensors in float16, as webgl does where a GPU cannot render float32 (many phones). Then no
 * value is larger than 65,504, and 1e-8 is 0.
 */
export const halfFloats = (): boolean =>
  tf.getBackend() === 'webgl' && !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
