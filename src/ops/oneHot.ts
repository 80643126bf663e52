import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { toFloat } from './toFloat.js';

/**
 * Class indices as float32 zeros and ones, with the classes appended as the last axis; an index outside 0..classes-1
 * becomes zeros. tf.oneHot with dtype float32 cannot be used: on the wasm backend it writes the bits of integers.
 */
export function oneHot(indices: Tensor, classes: number): Tensor {
  // tf.oneHot refuses a single class.
  if (classes === 1) return tf.expandDims(toFloat(tf.equal(indices, 0)), -1);
  return toFloat(tf.oneHot(indices, classes));
}
