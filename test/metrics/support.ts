import * as tf from '@tensorflow/tfjs-core';
import * as metrics from '../../src/metrics/index.js';
import { ndarray, type NdArray } from '../reference/index.js';
import type { Batch, ScoreName } from '../reference/metrics.js';
import { toTensor } from '../support/compare.js';
import { randomDistribution, randomIndices, randomLabels, randomLogits, randomNumbers } from '../support/random.js';

export const SCORES = ['iou', 'dice', 'tversky', 'precision', 'recall'] as const;

export type Function = (labels: tf.Tensor, predictions: tf.Tensor, options?: object) => tf.Tensor;

export function scoreFunction(name: ScoreName): Function {
  return metrics[`${name}Score`] as Function;
}

/** The methods of every accumulator of numbers. */
interface AnyAccumulator extends metrics.Accumulator {
  result(): number;
  perClass(): number[];
}
export type AccumulatorClass = (new (options?: object) => AnyAccumulator) & {
  fromJSON(json: metrics.AccumulatorJson, options?: object): AnyAccumulator;
};

export function meanOf(name: ScoreName): AccumulatorClass {
  const { MeanIou, MeanDice, MeanTversky, MeanPrecision, MeanRecall } = metrics;
  const classes = { iou: MeanIou, dice: MeanDice, tversky: MeanTversky, precision: MeanPrecision, recall: MeanRecall };
  return classes[name] as unknown as AccumulatorClass;
}

/** Class indices: two classes in the first image, one in the second. */
export const someIndices = (): NdArray => {
  const all = randomIndices([3, 4, 5], 11, 4);
  return { ...all, data: all.data.map((c, i) => (i < 20 ? c % 2 : i < 40 ? 2 : c)) };
};
/** Logits that never predict the last class in the first two images. */
export const logits = (): NdArray => {
  const all = randomLogits([3, 4, 5, 4], 12);
  return { ...all, data: all.data.map((z, i) => (i % 4 === 3 && i < 160 ? -9 : z)) };
};
export const soft = (): NdArray => randomDistribution([3, 4, 5, 4], 13, 3);
export const multilabel = (): NdArray => randomLabels([3, 4, 5, 4], 14);
export const mask = (): NdArray => {
  const random = randomNumbers(15);
  return ndarray(
    Array.from({ length: 60 }, () => [0, 0.5, 1, 2][Math.floor(4 * random())]!),
    [3, 4, 5],
  );
};
export const binaryLogits = (): NdArray => randomLogits([3, 4, 5, 1], 16);
/** Labels of one class; the first image is empty. */
export const binaryLabels = (): NdArray => {
  const all = randomIndices([3, 4, 5], 17, 2);
  return { ...all, data: all.data.map((c, i) => (i < 20 ? 0 : c)) };
};

/** Labels, predictions and options that together use every option. */
export const PROBLEMS: [string, NdArray, NdArray, { mask?: NdArray; [option: string]: unknown }][] = [
  ['class indices', someIndices(), logits(), {}],
  ['class indices, hard', someIndices(), logits(), { hard: true }],
  ['class indices with a mask', someIndices(), logits(), { mask: mask() }],
  ['class indices, one of them ignored', someIndices(), logits(), { ignoreLabel: 2, hard: true }],
  ['soft labels', soft(), logits(), {}],
  ['soft labels, hard', soft(), logits(), { hard: true, mask: mask() }],
  ['soft labels and hard predictions', soft(), logits(), { hard: 'predictions' }],
  ['soft labels, product form', soft(), logits(), { overlap: 'product', sharpness: 2 }],
  ['overlapping classes', multilabel(), logits(), { activation: 'sigmoid' }],
  ['overlapping classes, hard', multilabel(), logits(), { activation: 'sigmoid', hard: true, sharpness: 3 }],
  ['overlapping classes, threshold', multilabel(), logits(), { activation: 'sigmoid', hard: true, threshold: 0.8 }],
  ['probabilities', soft(), randomDistribution([3, 4, 5, 4], 18, 3), { activation: 'none', hard: true }],
  ['probabilities, threshold', soft(), multilabel(), { activation: 'none', hard: true, threshold: 0.3 }],
  ['one class', binaryLabels(), binaryLogits(), {}],
  ['one class, hard', binaryLabels(), binaryLogits(), { hard: true }],
  ['one class, skipped', binaryLabels(), binaryLogits(), { hard: true, absent: 'skip' }],
  ['absent classes penalized', someIndices(), logits(), { hard: true, absent: 'penalize' }],
  ['absent classes counted', someIndices(), logits(), { hard: true, absent: 'count' }],
  ['some classes, weighted', someIndices(), logits(), { classes: [0, 1, 3], classWeights: [1, 2, 9, 0.5] }],
];

export function asTensors({ mask, ...options }: { mask?: NdArray }): object {
  return mask ? { ...options, mask: toTensor(mask) } : options;
}

/** Each image as a batch of its own. */
export function images(labels: NdArray, predictions: NdArray, mask?: NdArray): Batch[] {
  return Array.from({ length: labels.shape[0]! }, (_, n) => ({
    labels: image(labels, n),
    predictions: image(predictions, n),
    ...(mask && { mask: image(mask, n) }),
  }));
}

function image(array: NdArray, n: number): NdArray {
  const size = array.data.length / array.shape[0]!;
  return { ...array, shape: [1, ...array.shape.slice(1)], data: array.data.slice(n * size, (n + 1) * size) };
}

export function update(accumulator: metrics.Accumulator, { labels, predictions, mask }: Batch): void {
  tf.tidy(() => {
    accumulator.update(toTensor(labels), toTensor(predictions), mask ? { mask: toTensor(mask) } : {});
  });
}
