/** The part of TensorFlow.js that the brain example's U-Net uses, in place of the whole package. */
export * from '@tensorflow/tfjs-core';
export { initializers, input, layers, model } from '@tensorflow/tfjs-layers';
