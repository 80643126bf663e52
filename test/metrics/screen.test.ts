/** Value checks of accumulators on a GPU: they read whole tensors only to say which value is wrong. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import { CalibrationError, ConfusionMatrix, MeanBrier, MeanIou, type Accumulator } from '../../src/metrics/index.js';
import * as reading from '../../src/ops/canReadAtOnce.js';
import { toTensor } from '../support/compare.js';
import { randomArray } from '../support/random.js';

const SIZE = [2, 5, 6];
const random = (classes: number, least = -2, most = 2): tf.Tensor =>
  toTensor(randomArray([...SIZE, classes], 1, least, most));
/** The tensor with one value replaced, in the last pixel of the first sample. */
function put(x: tf.Tensor, value: number): tf.Tensor {
  const values = Array.from(x.dataSync());
  values[values.length / 2 - 1] = value;
  return tf.tensor(values, x.shape, x.dtype);
}
const soft = (classes = 3) => tf.softmax(random(classes));
const masks = () => tf.cast(tf.greater(random(1), 0), 'float32');
const indices = () => tf.fill(SIZE, 2, 'int32');
const hot = () => tf.cast(tf.oneHot(tf.ones(SIZE, 'int32'), 3), 'int32');
const scaled = (x: tf.Tensor, factor: number) => tf.mul(x, factor);
const weights = () => tf.fill(SIZE, 0.5);

type Case = [labels: tf.Tensor, predictions: tf.Tensor, options?: object, mask?: tf.Tensor];

/** Values that are refused. */
const WRONG: Record<string, () => Case> = {
  'labels above 1': () => [put(soft(), 1.5), random(3)],
  'labels below 0': () => [put(masks(), -0.25), random(1)],
  'labels of NaN': () => [put(soft(), NaN), random(3)],
  'labels of Infinity': () => [put(masks(), Infinity), random(1)],
  'labels that sum to more than 1': () => [put(soft(), 1), random(3)],
  'labels that sum to less than 1': () => [put(soft(), 0), random(3)],
  'labels that sum to nearly 1, but not quite': () => [scaled(soft(), 1.011), random(3)],
  'labels of 0 and 255': () => [scaled(masks(), 255), random(1)],
  'masks of 0 and 2': () => [put(hot(), 2), random(3)],
  'one-hot masks of two classes': () => [put(hot(), 1), random(3)],
  'an index too large': () => [put(indices(), 3), random(3)],
  'a negative index': () => [put(indices(), -1), random(3)],
  'logits of NaN': () => [soft(), put(random(3), NaN)],
  'logits of NaN for one class': () => [masks(), put(random(1), NaN)],
  'logits of Infinity': () => [soft(), put(random(3), Infinity)],
  'a pixel whose logits are all -Infinity': () => [
    soft(),
    tf.concat([random(3).slice([0], [1]), tf.fill([1, 5, 6, 3], -Infinity)]),
  ],
  'probabilities above 1': () => [soft(), put(soft(), 1.25), { activation: 'none' }],
  'probabilities below 0': () => [soft(), put(soft(), -0.5), { activation: 'none' }],
  'a function that gives more than 1': () => [soft(), random(3), { activation: (z: tf.Tensor) => tf.add(z, 3) }],
  'channels first': () => [
    tf.transpose(put(soft(), 2), [0, 3, 1, 2]),
    tf.transpose(random(3), [0, 3, 1, 2]),
    { axis: 1 },
  ],
  'negative weights': () => [soft(), random(3), {}, put(weights(), -1)],
  'weights of NaN': () => [soft(), random(3), {}, put(weights(), NaN)],
  'infinite weights': () => [soft(), random(3), {}, put(weights(), Infinity)],
  'wrong labels where pixels count': () => [put(soft(), 3), random(3), {}, weights()],
};

/** Values that are accepted. */
const RIGHT: Record<string, () => Case> = {
  'soft labels': () => [soft(), random(3)],
  'labels rounded to 8 bits': () => [scaled(tf.round(scaled(soft(), 255)), 1 / 255), random(3)],
  'masks of one class': () => [masks(), random(1)],
  'one-hot masks': () => [hot(), random(3)],
  'class indices': () => [indices(), random(3)],
  probabilities: () => [soft(), soft(), { activation: 'none' }],
  'a function': () => [soft(), random(3), { activation: (z: tf.Tensor) => tf.softmax(z) }],
  'some logits of -Infinity': () => [soft(), put(random(3), -Infinity)],
  'infinite logits of one class': () => [masks(), put(random(1), Infinity)],
  'values that do not count': () => [put(soft(), 7), put(random(3), NaN), {}, put(weights(), 0)],
  'no pixel that counts': () => [soft(), scaled(random(3), NaN), {}, tf.zeros(SIZE)],
  'an ignored label': () => [put(indices(), 255), random(3), { ignoreLabel: 255 }],
  'equal logits': () => [soft(), tf.fill([...SIZE, 3], 0.25)],
  'small logits of one class': () => [masks(), random(1, 0, 0.4)],
};

/** Values that cause a warning. */
const DOUBTFUL: Record<string, () => Case> = {
  'probabilities for logits': () => [soft(), soft()],
  'probabilities for logits of one class': () => [masks(), random(1, 0, 1)],
  'a softmax over one class': () => [masks(), tf.ones([...SIZE, 1])],
};

const ACCUMULATORS: Record<string, (options: object) => Accumulator> = {
  MeanIou: (options) => new MeanIou(options),
  'MeanIou of hard masks': (options) => new MeanIou({ ...options, hard: true }),
  MeanBrier: (options) => new MeanBrier(options),
  CalibrationError: (options) => new CalibrationError(options),
  ConfusionMatrix: (options) => new ConfusionMatrix(options),
};

let warnings: string[];
beforeEach(() => {
  checkValues('first');
  warnings = [];
  jest.spyOn(console, 'warn').mockImplementation((text) => void warnings.push(String(text)));
});
afterEach(() => {
  jest.restoreAllMocks();
  checkValues('first');
});

interface Outcome {
  state: string;
  message: string | null;
  warnings: string[];
  /** The sizes of the tensors that were read. */
  reads: number[];
}

async function outcome(make: (options: object) => Accumulator, given: () => Case, later: boolean): Promise<Outcome> {
  const [labels, predictions, options = {}, mask] = given();
  const scores = make(options);
  const before = tf.memory().numTensors;
  const reads: number[] = [];
  const { data, dataSync } = tf.Tensor.prototype;
  jest.spyOn(tf.Tensor.prototype, 'data').mockImplementation(function (this: tf.Tensor) {
    reads.push(this.size);
    return data.call(this) as never;
  });
  jest.spyOn(tf.Tensor.prototype, 'dataSync').mockImplementation(function (this: tf.Tensor) {
    reads.push(this.size);
    return dataSync.call(this) as never;
  });
  checkValues('first');
  warnings = [];
  let message = null;
  try {
    const update = mask ? { mask } : {};
    if (later) await scores.updateAsync(labels, predictions, update);
    else scores.update(labels, predictions, update);
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(tf.memory().numTensors).toBe(before);
  tf.Tensor.prototype.data = data;
  tf.Tensor.prototype.dataSync = dataSync;
  return { state: JSON.stringify(scores), message, warnings, reads };
}

/** The outcome as on a processor, and as on a GPU. */
async function outcomes(make: (options: object) => Accumulator, given: () => Case, later: boolean) {
  const plain = await outcome(make, given, later);
  const spy = jest.spyOn(reading, 'canReadWhole').mockReturnValue(false);
  const screened = await outcome(make, given, later);
  spy.mockRestore();
  return { plain, screened };
}

const wholeTensor = (each: () => Case): number => SIZE.reduce((a, b) => a * b) * (each()[1].size > 60 ? 3 : 1);

describe.each(Object.entries(ACCUMULATORS))('%s on a GPU', (name, make) => {
  test.each(Object.entries(WRONG))('refuses %s with the same message', async (_, given) => {
    for (const later of [false, true]) {
      const { plain, screened } = await outcomes(make, given, later);
      expect(plain.message).not.toBeNull();
      expect(screened.message).toBe(plain.message);
      expect(screened.state).toBe(plain.state);
    }
  });

  test.each(Object.entries(RIGHT))('takes %s, and reads no whole tensor', async (_, given) => {
    for (const later of [false, true]) {
      const { plain, screened } = await outcomes(make, given, later);
      expect([plain.message, plain.warnings]).toEqual([null, []]);
      expect({ ...screened, reads: [] }).toEqual({ ...plain, reads: [] });
      expect(screened.reads).toHaveLength(1);
      expect(plain.reads.length).toBeGreaterThan(1);
      // The bins of CalibrationError are more numbers than these small tensors.
      if (name !== 'CalibrationError') expect(screened.reads[0]).toBeLessThan(wholeTensor(given));
    }
  });

  test.each(Object.entries(DOUBTFUL))('warns of %s as elsewhere', async (_, given) => {
    for (const later of [false, true]) {
      const { plain, screened } = await outcomes(make, given, later);
      expect(screened.warnings).toEqual(plain.warnings);
      expect(screened.message).toBe(plain.message);
    }
  });
});

test('probabilities that become hard cause no warning, and no whole tensor is read', async () => {
  jest.spyOn(reading, 'canReadWhole').mockReturnValue(false);
  const read = jest.spyOn(tf.Tensor.prototype, 'data');
  await new ConfusionMatrix().updateAsync(soft(), soft());
  expect(read).toHaveBeenCalledTimes(1);
  expect(warnings).toEqual([]);
});

test('a warning is given once, and then no whole tensor is read', async () => {
  jest.spyOn(reading, 'canReadWhole').mockReturnValue(false);
  const [t, p] = [soft(), soft()];
  const scores = new MeanIou();
  await scores.updateAsync(t, p);
  expect(warnings).toHaveLength(1);
  const read = jest.spyOn(tf.Tensor.prototype, 'data');
  await scores.updateAsync(t, p);
  expect(read).toHaveBeenCalledTimes(1);
  expect(warnings).toHaveLength(1);
});

test('checks that are off compute no extremes', async () => {
  jest.spyOn(reading, 'canReadWhole').mockReturnValue(false);
  const sizeOf = async () => {
    const read = jest.spyOn(tf.Tensor.prototype, 'data');
    await new MeanBrier().updateAsync(soft(), random(3));
    const [values] = (await Promise.all(read.mock.results.map(({ value }) => value))) as Float32Array[];
    read.mockRestore();
    return values!.length;
  };
  expect(await sizeOf()).toBeGreaterThan(4);
  checkValues('never');
  expect(await sizeOf()).toBe(4);
});
