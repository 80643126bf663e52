import * as tf from '@tensorflow/tfjs';
import { softOneHot, softThreshold } from 'softseg';

/** The model's probabilities for all images, as numbers: with one channel a sigmoid, with several a softmax. */
export const predict = async (model: tf.LayersModel, xs: tf.Tensor4D, batchSize: number): Promise<Float32Array> => {
  const probabilities = tf.tidy(() => {
    const logits = model.predict(xs, { batchSize }) as tf.Tensor;
    return logits.shape.at(-1) === 1 ? softThreshold(logits) : softOneHot(logits);
  });
  const values = await probabilities.data<'float32'>();
  probabilities.dispose();
  return values;
};
