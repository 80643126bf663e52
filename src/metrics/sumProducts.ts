import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import { sumPixels } from '../ops/sumPixels.js';

/** The number of products that are added in one run, as in sumPixels. */
const RUN = 64;

/**
 * [N,P,A] and [N,P,B] to [N,A,B]: the sum over pixels of each product of a channel of the left and a channel of the
 * right. Call it inside tf.tidy.
 */
export function sumProducts(left: Tensor3D, right: Tensor3D): Tensor3D {
  const [samples, pixels, a] = left.shape;
  const b = right.shape[2];
  const runs = Math.ceil(pixels / RUN);
  const inRuns = (x: Tensor3D): Tensor3D => {
    const padding = runs * RUN - pixels;
    const whole = padding === 0 ? x : tf.pad3d(x, [[0, 0], [0, padding], [0, 0]]); // prettier-ignore
    return tf.reshape(whole, [samples * runs, RUN, x.shape[2]]);
  };
  const products = tf.matMul(inRuns(left), inRuns(right), true);
  return tf.reshape(sumPixels(tf.reshape(products, [samples, runs, a * b])), [samples, a, b]);
}
