/** What the brain example's U-Net needs of TensorFlow.js, in place of all of it. */
export * from '@tensorflow/tfjs-core';
export { initializers, input, layers, model } from '@tensorflow/tfjs-layers';
