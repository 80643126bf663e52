import * as tf from '@tensorflow/tfjs';
import { epochOrder, type Job, makeOptimizer, stepsPerEpoch } from './training.js';

/** Trains with `model.compile` and `model.fit`, which take a loss of this package as it is. */
export const trainWithFit = async (job: Job): Promise<void> => {
  const { model, part, batchSize } = job;
  const { optimizer, setStep } = makeOptimizer(job);
  const steps = stepsPerEpoch(job);
  model.compile({ optimizer, loss: job.loss });
  for (let epoch = 0; epoch < job.epochs; epoch++) {
    // fit would shuffle without a seed. The images are put in order here, so that all losses see the same batches.
    const [xs, ys] = tf.tidy(() => {
      const order = epochOrder(job, epoch);
      return [tf.gather(part.xs, order), tf.gather(part.ys, order)];
    });
    const history = await model.fit(xs!, ys!, {
      batchSize,
      shuffle: false,
      initialEpoch: epoch,
      epochs: epoch + 1,
      verbose: 0,
      callbacks: { onBatchBegin: async (batch) => setStep(epoch * steps + batch) },
    });
    tf.dispose([xs, ys]);
    await job.onEpoch(epoch, history.history['loss']![0] as number);
  }
  optimizer.dispose();
};
