import * as tf from '@tensorflow/tfjs';
import { epochOrder, type Job, makeOptimizer } from './training.js';

/** Trains in a loop with `optimizer.minimize`. Values are read once per epoch, never in a step. */
export const trainWithLoop = async (job: Job): Promise<void> => {
  const { model, part, batchSize } = job;
  const { optimizer, setStep } = makeOptimizer(job);
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const count = part.xs.shape[0];
  let step = 0;
  for (let epoch = 0; epoch < job.epochs; epoch++) {
    const order = epochOrder(job, epoch);
    const losses: tf.Scalar[] = [];
    for (let start = 0; start < count; start += batchSize) {
      setStep(step++);
      losses.push(
        tf.tidy(() => {
          const rows = tf.slice(order, start, Math.min(batchSize, count - start));
          const [xs, ys] = [tf.gather(part.xs, rows), tf.gather(part.ys, rows)];
          const cost = () => job.loss(ys, model.apply(xs, { training: true }) as tf.Tensor);
          return optimizer.minimize(cost, true, weights)!;
        }),
      );
      await tf.nextFrame();
    }
    const mean = tf.tidy(() => tf.mean(tf.stack(losses)));
    const [value] = await mean.data();
    tf.dispose([order, mean, losses]);
    await job.onEpoch(epoch, value!);
  }
  optimizer.dispose();
};
