/** Accumulators on a GPU: they give the results of the cpu backend, and read back only a few numbers, once. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkValues, crossEntropyLoss } from '../../../src/index.js';
import {
  asMetric,
  CalibrationError,
  ConfusionMatrix,
  evaluateScores,
  MeanBrier,
  MeanIou,
  pixelAccuracy,
  validationScores,
  type Accumulator,
} from '../../../src/metrics/index.js';
import { randomArray, randomIndices } from '../../support/random.js';
import { toTensor } from '../../support/compare.js';

declare const TEST_BACKEND: 'webgpu' | 'webgl';

const SAMPLES = 2;
const CLASSES = 4;
const sizes = (side: number) => [SAMPLES, side, side];

type Batch = [labels: tf.Tensor, predictions: tf.Tensor, options?: { mask: tf.Tensor }];

const logits = (side: number): tf.Tensor => toTensor(randomArray([...sizes(side), CLASSES], 1, -2, 2));
const soft = (side: number) => tf.softmax(toTensor(randomArray([...sizes(side), CLASSES], 2, -2, 2)));
const indices = (side: number): tf.Tensor => toTensor(randomIndices(sizes(side), CLASSES, 3));
const mask = (side: number): tf.Tensor => tf.round(toTensor(randomArray(sizes(side), 4, 0, 1)));

const BATCHES: Record<string, (side: number) => Batch> = {
  'class indices': (side) => [indices(side), logits(side)],
  'soft labels with a mask': (side) => [soft(side), logits(side), { mask: mask(side) }],
};

/** Each accumulator, the number of its sums for a sample, and whether they are counts where labels are indices. */
const ACCUMULATORS: [string, () => Accumulator, number, boolean][] = [
  ['MeanIou', () => new MeanIou(), 4 * CLASSES, false],
  ['MeanIou of hard masks', () => new MeanIou({ hard: true }), 4 * CLASSES, true],
  ['MeanBrier', () => new MeanBrier(), 2, false],
  ['CalibrationError', () => new CalibrationError(), 15 * 3, false],
  ['CalibrationError of classes', () => new CalibrationError({ confidence: 'class' }), 15 * 3 * CLASSES, false],
  ['ConfusionMatrix', () => new ConfusionMatrix(), CLASSES * CLASSES, true],
];

const sumsOf = (scores: Accumulator) => scores.toJSON().sums.map((parts) => parts.reduce((a, b) => a + b, 0));

/** The result's parts. */
const resultsOf = (scores: Accumulator): number[] => {
  const result = scores.result();
  return typeof result === 'number' ? [result] : Object.values(result as Record<string, number>);
};

/** Runs a function on the cpu backend. */
async function onCpu<T>(run: () => T): Promise<T> {
  await tf.setBackend('cpu');
  try {
    return tf.tidy(() => ({ result: run() as never })).result as T;
  } finally {
    await tf.setBackend(TEST_BACKEND);
  }
}

type Methods = Record<string, (...all: unknown[]) => unknown>;

interface Count {
  programs: number;
  /** The bytes of each asynchronous read. */
  reads: number[];
  readsAtOnce: number;
}

/** Counts what the backend does in a step. */
async function count(step: () => Promise<unknown>): Promise<Count> {
  const run = { webgpu: 'runWebGPUProgram', webgl: 'runWebGLProgram' }[TEST_BACKEND];
  const backend = tf.backend() as unknown as Methods;
  const methods = { [run]: backend[run]!, read: backend['read']!, readSync: backend['readSync']! };
  const result: Count = { programs: 0, reads: [], readsAtOnce: 0 };
  backend[run] = function (...all) {
    result.programs++;
    return methods[run]!.apply(this, all);
  };
  backend['read'] = async function (...all) {
    const values = (await methods['read']!.apply(this, all)) as Float32Array;
    result.reads.push(values.byteLength);
    return values;
  };
  backend['readSync'] = function (...all) {
    result.readsAtOnce++;
    return methods['readSync']!.apply(this, all);
  };
  try {
    await step();
  } finally {
    Object.assign(backend, methods);
  }
  return result;
}

describe.each(ACCUMULATORS)('%s', (name, make, perSample, counts) => {
  test.each(Object.entries(BATCHES))('gives the results of the cpu backend for %s', async (kind, batch) => {
    checkValues('first');
    const expected = await onCpu(() => make().update(...batch(33)));
    const actual = await make().updateAsync(...batch(33));
    const [sums, those] = [sumsOf(actual), sumsOf(expected)];
    if (counts && kind === 'class indices') expect(sums).toEqual(those);
    else
      sums.forEach((sum, i) =>
        expect(Math.abs(sum - those[i]!)).toBeLessThanOrEqual(2e-6 * Math.abs(those[i]!) + 1e-6),
      );
    const [values, right] = [resultsOf(actual), resultsOf(expected)];
    expect(values).toHaveLength(right.length);
    values.forEach((value, i) => expect(Math.abs(value - right[i]!)).toBeLessThanOrEqual(1e-6));
  });

  test.each(Object.entries(BATCHES))('reads its sums once for %s, and waits for nothing', async (kind, batch) => {
    checkValues('first');
    const bytes: number[] = [];
    for (const side of [16, 48]) {
      const given = batch(side);
      await make().updateAsync(...given); // brings the tensors to the GPU
      const { programs, reads, readsAtOnce } = await count(() => make().updateAsync(...given));
      if (side === 48) console.info(`${TEST_BACKEND} ${name}, ${kind}: ${programs} programs, ${reads.join()} bytes`);
      expect(readsAtOnce).toBe(0);
      expect(reads).toHaveLength(1);
      bytes.push(reads[0]!);
    }
    // The sums of each sample, and the extremes by which values are checked.
    const most = 4 * (SAMPLES * perSample + 11);
    expect(bytes[0]).toBeLessThanOrEqual(most);
    expect(bytes[1]).toBe(bytes[0]);
  });
});

test('update is refused on webgpu, which cannot be read at once', async () => {
  const given = BATCHES['class indices']!(8);
  const update = () => new MeanIou().update(...given);
  if (TEST_BACKEND === 'webgpu')
    expect(update).toThrow('MeanIou.update: cannot read webgpu at once: await updateAsync');
  else expect(update().result()).toBe((await new MeanIou().updateAsync(...given)).result());
});

test('evaluateScores waits once for all accumulators of a batch', async () => {
  checkValues('never');
  const [ys, xs] = BATCHES['class indices']!(8);
  const model = { predict: (x: tf.Tensor) => tf.mul(x, 2) };
  const accumulators = { iou: new MeanIou(), brier: new MeanBrier(), matrix: new ConfusionMatrix() };
  let [waiting, most] = [0, 0];
  const backend = tf.backend() as unknown as Methods;
  const read = backend['read']!;
  backend['read'] = async function (...all) {
    most = Math.max(most, ++waiting);
    const values = await read.apply(this, all);
    waiting--;
    return values;
  };
  try {
    const scores = await evaluateScores(model, { xs, ys }, accumulators);
    expect(scores['matrix_accuracy']).toBeGreaterThan(0);
  } finally {
    backend['read'] = read;
  }
  expect(most).toBe(3);
});

test('a training run with metrics and validation scores waits for nothing', async () => {
  checkValues('first');
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [6, 3], units: CLASSES })] });
  const optimizer = tf.train.sgd(0.1);
  const accuracy = asMetric('accuracy', (t, z) => pixelAccuracy(t, z));
  model.compile({ optimizer, loss: crossEntropyLoss, metrics: [accuracy] });
  const xs: tf.Tensor = toTensor(randomArray([5, 6, 3], 1, -1, 1));
  const ys = tf.mul(tf.cast(tf.oneHot(toTensor(randomIndices([5, 6], CLASSES, 2)), CLASSES), 'float32'), 1);
  const accumulators = { matrix: new ConfusionMatrix(), iou: new MeanIou({ hard: true }) };
  const callbacks = validationScores(model, { xs, ys }, accumulators, { batchSize: 2 });
  const history: Record<string, unknown[]> = {};
  const { readsAtOnce } = await count(async () => {
    Object.assign(history, (await model.fit(xs, ys, { epochs: 2, batchSize: 5, verbose: 0, callbacks })).history);
  });
  if (TEST_BACKEND === 'webgpu') expect(readsAtOnce).toBe(0);
  expect(accumulators.iou.samples).toBe(5);
  expect(history['val_matrix_accuracy']!.at(-1)).toBe(accumulators.matrix.result().accuracy);
  const [last] = await tf.tidy(() => pixelAccuracy(ys, model.predict(xs) as tf.Tensor)).data();
  expect(history['val_matrix_accuracy']!.at(-1)).toBeCloseTo(last!, 6);
  expect(history['accuracy']).toHaveLength(2);
  model.dispose();
  optimizer.dispose();
  checkValues('never');
});

test('a fault is refused with the value and its place', async () => {
  checkValues('first');
  const labels = tf.concat([tf.zeros([1, 2, 3], 'int32'), tf.fill([1, 1, 3], 9, 'int32')], 1);
  const before = tf.memory().numTensors;
  let message = '';
  await new ConfusionMatrix()
    .updateAsync(labels, tf.zeros([1, 3, 3, 4]))
    .catch((error: Error) => ({ message } = error));
  expect(message).toContain('ConfusionMatrix.updateAsync: class indices in labels must lie in 0..3, got 9 at sample 0');
  // The logits remain.
  expect(tf.memory().numTensors).toBe(before + 1);
  checkValues('never');
});
