/** Samples with more pixels than the backend counts exactly: they are summed in blocks, with the same result. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import { CalibrationError, ConfusionMatrix, MeanBrier, MeanIou, type Accumulator } from '../../src/metrics/index.js';
import * as precision from '../../src/ops/halfFloats.js';
import { toTensor } from '../support/compare.js';
import { randomArray, randomIndices } from '../support/random.js';

/** 4900 pixels: two blocks of 2048 and a part of a third. */
const PARTS = [2, 70, 70];
/** Two whole blocks. */
const WHOLE = [2, 64, 64];

const logits = (sizes: number[]): tf.Tensor => toTensor(randomArray([...sizes, 3], 1, -2, 2));
const indices = (sizes: number[]): tf.Tensor => toTensor(randomIndices(sizes, 3, 2));
const soft = (sizes: number[]): tf.Tensor => tf.softmax(toTensor(randomArray([...sizes, 3], 3, -2, 2)));
const mask = (sizes: number[]): tf.Tensor => toTensor(randomArray(sizes, 4, 0, 1));

const ACCUMULATORS: Record<string, () => Accumulator> = {
  'MeanIou of hard masks': () => new MeanIou({ hard: true, aggregate: 'image' }),
  MeanIou: () => new MeanIou(),
  MeanBrier: () => new MeanBrier(),
  CalibrationError: () => new CalibrationError({ bins: 4 }),
  ConfusionMatrix: () => new ConfusionMatrix(),
};

afterEach(() => {
  jest.restoreAllMocks();
});

/** Makes the backend one that has only float16. */
const halfPrecision = () => jest.spyOn(precision, 'halfFloats').mockReturnValue(true);

const sumsOf = (scores: Accumulator) => scores.toJSON().sums.map((parts) => parts.reduce((a, b) => a + b, 0));

describe.each(Object.entries(ACCUMULATORS))('%s in blocks', (_, make) => {
  test.each([
    ['parts of blocks', PARTS],
    ['whole blocks', WHOLE],
  ])('of %s has the sums of whole samples', (_name, sizes) => {
    const z = logits(sizes);
    for (const [labels, own] of [
      [indices(sizes), undefined],
      [soft(sizes), mask(sizes)],
      [soft(sizes), undefined],
    ] as const) {
      const update = (scores: Accumulator) => scores.update(labels, z, own ? { mask: own } : {});
      const expected = update(make());
      halfPrecision();
      const before = tf.memory().numTensors;
      const actual = update(make());
      expect(tf.memory().numTensors).toBe(before);
      jest.restoreAllMocks();
      expect(actual.samples).toBe(2);
      const sums = sumsOf(expected);
      sumsOf(actual).forEach((sum, i) =>
        expect(Math.abs(sum - sums[i]!)).toBeLessThanOrEqual(2e-6 * Math.abs(sums[i]!)),
      );
    }
  });

  test('refuses labels for which no class has an index', () => {
    halfPrecision();
    const wrong = tf.concat([tf.fill([2, 69, 70], 1, 'int32'), tf.fill([2, 1, 70], 7, 'int32')], 1);
    expect(() => make().update(wrong, logits(PARTS))).toThrow('class indices in labels must lie in 0..2, got 7');
  });
});

test('a float16 backend adds up at most 2048 pixels, and counts them exactly', () => {
  halfPrecision();
  const read = jest.spyOn(tf.Tensor.prototype, 'dataSync');
  checkValues('never');
  try {
    const matrix = new ConfusionMatrix({ classCount: 3 }).update(indices(PARTS), indices(PARTS));
    const [values] = read.mock.results.map(({ value }) => value as Float32Array);
    // Two samples of three blocks, and the extremes of labels and predictions.
    expect(values!.length).toBe(2 * 3 * 9 + 4);
    expect(Math.max(...values!)).toBeLessThanOrEqual(2048);
    const total = matrix.counts().flat();
    expect(total.reduce((a, b) => a + b)).toBe(2 * 4900);
  } finally {
    checkValues('first');
  }
});

test('float32 has one block up to 2^24 pixels', () => {
  const read = jest.spyOn(tf.Tensor.prototype, 'dataSync');
  checkValues('never');
  try {
    new MeanBrier({ activation: 'none' }).update(tf.zeros([1, 5000, 1]), tf.ones([1, 5000, 1]));
    expect((read.mock.results[0]!.value as Float32Array).length).toBe(2);
  } finally {
    checkValues('first');
  }
});
