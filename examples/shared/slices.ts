import * as tf from '@tensorflow/tfjs';
import { bundledDataset } from '../brain/bundled.js';
import { makeTensors } from '../brain/tensors.js';

/** Standardized T1 images [N, H, W, 1], and the probabilities of background, grey and white matter [N, H, W, 3]. */
export interface Slices {
  xs: tf.Tensor4D;
  ys: tf.Tensor4D;
}

/** The third block of the training slices, which lies between the second and the third block of the test slices. */
const VALIDATION = { from: 16, count: 8 };

/**
 * The brain slices of the demo (ICBM-152, 96×80 pixels of 2 mm): 24 for training, 8 for validation and 18 for testing.
 * They are of one averaged brain, so scores say nothing about how well a network generalizes. With `quick` there are a
 * quarter of them, at half the size.
 */
export const brainSlices = ({ quick }: { quick: boolean }): Record<'train' | 'validation' | 'test', Slices> => {
  const { train, test } = makeTensors(bundledDataset(), 8);
  const size = (x: tf.Tensor4D): tf.Tensor4D => {
    if (!quick) return tf.clone(x);
    return tf.avgPool(tf.gather(x, tf.range(2, x.shape[0], 4, 'int32')), 2, 2, 'same');
  };
  const { from, count } = VALIDATION;
  const split = (learning: tf.Tensor4D, test: tf.Tensor4D) => {
    const sizes = [from, count, learning.shape[0] - from - count];
    const [before, within, after] = tf.split(learning, sizes) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    return { train: size(tf.concat([before, after])), validation: size(within), test: size(test) };
  };
  const { xs, ys } = tf.tidy(() => ({ xs: split(train.xs, test.xs), ys: split(train.ys, test.ys) }));
  tf.dispose([train.xs, train.ys, test.xs, test.ys]);
  const part = (name: 'train' | 'validation' | 'test') => ({ xs: xs[name], ys: ys[name] });
  return { train: part('train'), validation: part('validation'), test: part('test') };
};
