import * as tf from '@tensorflow/tfjs';
import { softLabelsFromVotes } from 'softseg';
import type { Dataset, Sample } from './dataset.js';

/** The label of padding. */
export const UNLABELLED = -1;

/** Standardized images [N, H, W, channels] and soft labels [N, H, W, C]; H and W are padded as the network needs. */
export interface Part {
  xs: tf.Tensor4D;
  ys: tf.Tensor4D;
}

export interface Tensors {
  train: Part;
  test: Part;
  height: number;
  width: number;
  /** True if there is padding, which the losses then leave out. */
  padded: boolean;
}

const stack = (samples: Sample[], pick: (sample: Sample) => Float32Array, shape: [number, number, number]) => {
  const size = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(samples.length * size);
  samples.forEach((sample, index) => values.set(pick(sample), index * size));
  return tf.tensor4d(values, [samples.length, ...shape]);
};

const softLabels = (samples: Sample[], { height, width, classes }: Dataset) => {
  const labels = stack(samples, (sample) => sample.labels, [height, width, classes.length]);
  const annotators = samples.map((sample) => sample.annotators);
  if (annotators[0] === undefined) return labels;
  return softLabelsFromVotes(labels, { annotators: tf.tensor(annotators as number[], [samples.length, 1, 1, 1]) });
};

/** The data set as tensors, standardized by the mean and deviation of the training images. */
export const makeTensors = (dataset: Dataset, divisor: number): Tensors => {
  const { height, width, channels } = dataset;
  const [below, right] = [height, width].map((side) => (divisor - (side % divisor)) % divisor) as [number, number];
  const edges: [number, number][] = [[0, 0], [0, below], [0, right], [0, 0]]; // prettier-ignore
  const pad = (tensor: tf.Tensor, value: number) => tf.pad(tensor, edges, value) as tf.Tensor4D;
  const images = (samples: Sample[]) => stack(samples, (sample) => sample.image, [height, width, channels]);

  const parts = tf.tidy(() => {
    const { mean, variance } = tf.moments(images(dataset.train), [0, 1, 2]);
    const deviation = tf.maximum(tf.sqrt(variance), 1e-6);
    const part = (samples: Sample[]): Part => ({
      xs: pad(tf.div(tf.sub(images(samples), mean), deviation), 0),
      ys: pad(softLabels(samples, dataset), UNLABELLED),
    });
    const [train, test] = [part(dataset.train), part(dataset.test)];
    return { trainXs: train.xs, trainYs: train.ys, testXs: test.xs, testYs: test.ys };
  });
  return {
    train: { xs: parts.trainXs, ys: parts.trainYs },
    test: { xs: parts.testXs, ys: parts.testYs },
    height: height + below,
    width: width + right,
    padded: below + right > 0,
  };
};
