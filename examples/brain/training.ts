import * as tf from '@tensorflow/tfjs';
import { cosineSchedule } from 'softseg/training';
import { shuffled } from './random.js';
import type { Part } from './tensors.js';

/** A network to train, with the settings that fit and the loop have in common. */
export interface Job {
  model: tf.LayersModel;
  loss(labels: tf.Tensor, predictions: tf.Tensor): tf.Scalar;
  part: Part;
  epochs: number;
  batchSize: number;
  learningRate: number;
  seed: number;
  /** Called with the mean loss of each epoch. */
  onEpoch(epoch: number, loss: number): Promise<void>;
}

export const stepsPerEpoch = ({ part, batchSize }: Job) => Math.ceil(part.xs.shape[0] / batchSize);

/** The order of the images in an epoch, the same for every loss. */
export const epochOrder = ({ part, seed }: Job, epoch: number) =>
  tf.tensor1d(shuffled(part.xs.shape[0], seed + epoch), 'int32');

/** Adam, and a function that sets its learning rate for a step: half a cosine down to 0. */
export const makeOptimizer = (job: Job) => {
  const optimizer = tf.train.adam(job.learningRate);
  const rate = cosineSchedule({ from: job.learningRate, to: 0, steps: job.epochs * stepsPerEpoch(job) });
  return { optimizer, setStep: (step: number) => void Object.assign(optimizer, { learningRate: rate(step) }) };
};
