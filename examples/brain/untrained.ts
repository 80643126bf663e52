import * as tf from '@tensorflow/tfjs';
import { type LossName, lossFunction, type Shared } from './losses.js';

/** The values of a loss for two predictions that need no training. */
export interface Untrained {
  loss: LossName;
  /** The prediction is the soft label itself. */
  atLabel: number;
  /** The prediction is the rounded label: 1 for its most likely class, 0 for the others. */
  atArgmax: number;
}

const rounded = (labels: tf.Tensor4D): tf.Tensor => {
  const classes = labels.shape[3];
  if (classes === 1) return tf.cast(tf.greater(labels, 0.5), 'float32');
  return tf.cast(tf.oneHot(tf.argMax(labels, -1), classes), 'float32');
};

/** The value of each loss at p = t and at p = argmax t. */
export const lossesOfLabels = (labels: tf.Tensor4D, losses: LossName[], shared: Shared): Promise<Untrained[]> =>
  Promise.all(
    losses.map(async (loss) => {
      const of = lossFunction(loss, { ...shared, activation: 'none' });
      const values = tf.tidy(() => tf.stack([of(labels, labels), of(labels, rounded(labels))]));
      const [atLabel, atArgmax] = await values.data();
      values.dispose();
      return { loss, atLabel: atLabel!, atArgmax: atArgmax! };
    }),
  );
