/** Scores in tfjs-layers: as metrics of compile, and over a validation set. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { iouLoss } from '../../src/index.js';
import {
  asMetric,
  brierScore,
  CalibrationError,
  ConfusionMatrix,
  evaluateScores,
  expectedCalibrationError,
  iouScore,
  pixelAccuracy,
  MeanIou,
  precisionScore,
  validationScores,
  type Accumulator,
} from '../../src/metrics/index.js';
import { toTensor } from '../support/compare.js';
import { randomArray, randomDistribution, randomIndices } from '../support/random.js';

function network(): tf.LayersModel {
  const layer = { inputShape: [6, 4], units: 3, kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }) };
  return tf.sequential({ layers: [tf.layers.dense(layer)] });
}

const xs = () => toTensor(randomArray([7, 6, 4], 1, -1, 1));
const ys = () => toTensor(randomDistribution([7, 6, 3], 2, 2));
const compiled = (metrics: tf.ModelCompileArgs['metrics'] = []) => {
  const model = network();
  const optimizer = tf.train.sgd(0.3);
  model.compile({ optimizer, loss: iouLoss, metrics });
  return { model, dispose: () => [model.dispose(), optimizer.dispose()] };
};

describe('scores as metrics of compile', () => {
  test('are reported under their names', async () => {
    const [x, y] = [xs(), ys()];
    const { model, dispose } = compiled([
      iouScore,
      brierScore,
      pixelAccuracy,
      asMetric('accuracy', pixelAccuracy),
      expectedCalibrationError,
      asMetric('hardPrecision', (t, p) => precisionScore(t, p, { hard: true })),
    ]);
    const { history } = await model.fit(x, y, {
      epochs: 2,
      batchSize: 7,
      verbose: 0,
      shuffle: false,
      validationData: [x, y],
    });
    const p = model.predict(x) as tf.Tensor;
    for (const [name, value] of [
      ['iouScore', iouScore(y, p)],
      ['brierScore', brierScore(y, p)],
      ['pixelAccuracy', pixelAccuracy(y, p)],
      ['accuracy', pixelAccuracy(y, p)],
      ['expectedCalibrationError', expectedCalibrationError(y, p)],
      ['hardPrecision', precisionScore(y, p, { hard: true })],
    ] as const) {
      expect(history[name]!.length).toBe(2);
      expect(history[`val_${name}`]!.at(-1)).toBeCloseTo(value.dataSync()[0]!, 5);
    }
    dispose();
  });

  test('have the names that they are given', () => {
    expect(asMetric('hardIou', (t, p) => iouScore(t, p, { hard: true })).name).toBe('hardIou');
    expect(() => asMetric('', iouScore)).toThrow('asMetric: name must be a string, got ""');
    expect(() => asMetric('iou', 'iou' as never)).toThrow('asMetric: score must be a function, got "iou"');
  });
});

const accumulators = () => ({
  iou: new MeanIou({ hard: true }),
  matrix: new ConfusionMatrix(),
  calibration: new CalibrationError({ bins: 5 }),
});

describe('evaluateScores', () => {
  test('gives the scores of the whole set for any batches', async () => {
    const [x, y, model] = [xs(), ys(), network()];
    const p = model.predict(x) as tf.Tensor;
    const seen = accumulators();
    for (const accumulator of Object.values(seen)) accumulator.update(y, p);
    const dataset = tf.data.zip({ xs: tf.data.array(tf.unstack(x)), ys: tf.data.array(tf.unstack(y)) });
    for (const run of [
      evaluateScores(model, { xs: x, ys: y }, accumulators()),
      evaluateScores(model, { xs: x, ys: y }, accumulators(), { batchSize: 2 }),
      evaluateScores(model, dataset.batch(3) as never, accumulators()),
    ]) {
      const scores = await run;
      expect(Object.keys(scores)).toEqual([
        'iou',
        ...Object.keys(seen.matrix.result()).map((part) => `matrix_${part}`),
        'calibration',
      ]);
      expect(scores['iou']).toBeCloseTo(seen.iou.result(), 6);
      expect(scores['matrix_kappa']).toBeCloseTo(seen.matrix.result().kappa, 6);
      expect(scores['calibration']).toBeCloseTo(seen.calibration.result(), 6);
    }
    model.dispose();
  });

  test('starts from empty accumulators, and takes a mask', async () => {
    const [x, y, model] = [xs(), ys(), network()];
    const mask = tf.concat([tf.ones([3, 6]), tf.zeros([4, 6])]);
    const iou = new MeanIou();
    await evaluateScores(model, { xs: x, ys: y }, { iou });
    const masked = await evaluateScores(model, { xs: x, ys: y, mask }, { iou }, { batchSize: 2 });
    const part = (tensor: tf.Tensor) => tf.slice(tensor, 0, 3);
    const first = await evaluateScores(model, { xs: part(x), ys: part(y) }, { iou });
    // A network's outputs may differ in their last digits with the batch size.
    expect(masked['iou']).toBeCloseTo(first['iou']!, 6);
    model.dispose();
  });

  test('leaves no tensor behind, also when it throws', async () => {
    const [x, y, model] = [xs(), ys(), network()];
    const wrong = toTensor(randomIndices([7, 5], 4, 3));
    const [many, labels] = [tf.unstack(x), tf.unstack(wrong)];
    const dataset = tf.data.zip({ xs: tf.data.array(many), ys: tf.data.array(labels) });
    await evaluateScores(model, { xs: x, ys: y }, accumulators());
    const before = tf.memory().numTensors;
    await evaluateScores(model, { xs: x, ys: y }, accumulators(), { batchSize: 3 });
    await expect(evaluateScores(model, { xs: x, ys: wrong }, accumulators())).rejects.toThrow(
      'MeanIou.updateAsync: labels [7,5]',
    );
    await expect(evaluateScores(model, dataset.batch(7) as never, accumulators())).rejects.toThrow('labels [7,5]');
    const several = { predict: (z: tf.Tensor) => [tf.relu(z), tf.relu(z)] };
    await expect(evaluateScores(several, { xs: x, ys: y }, accumulators())).rejects.toThrow(
      "evaluateScores: the model's prediction must be a tf.Tensor",
    );
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test.each<[string, () => [unknown, unknown, unknown, object?], string]>([
    [
      'a model that predicts nothing',
      () => [{}, { xs: xs(), ys: ys() }, accumulators()],
      'evaluateScores: model must have a function predict, got {}',
    ],
    [
      'no accumulators',
      () => [{ predict: (x: tf.Tensor) => x }, { xs: xs(), ys: ys() }, {}],
      'evaluateScores: accumulators must be an object of accumulators by name, got {}',
    ],
    [
      'functions for accumulators',
      () => [{ predict: (x: tf.Tensor) => x }, { xs: xs(), ys: ys() }, { iou: iouScore }],
      'evaluateScores: accumulators.iou must be an accumulator, got the function iouScore',
    ],
    [
      'data without labels',
      () => [{ predict: (x: tf.Tensor) => x }, { xs: xs() }, accumulators()],
      'evaluateScores: data.ys must be a tf.Tensor, got undefined',
    ],
    [
      'other samples',
      () => [{ predict: (x: tf.Tensor) => x }, { xs: xs(), ys: tf.zeros([2, 6, 3]) }, accumulators()],
      'evaluateScores: data.xs [7,6,4] and data.ys [2,6,3] differ in samples',
    ],
    [
      'an empty batch',
      () => [{ predict: (x: tf.Tensor) => x }, { xs: xs(), ys: ys() }, accumulators(), { batchSize: 0 }],
      'evaluateScores: batchSize must be an integer >= 1, got 0',
    ],
    [
      'an unknown option',
      () => [{ predict: (x: tf.Tensor) => x }, { xs: xs(), ys: ys() }, accumulators(), { prefix: '' }],
      "evaluateScores: unknown option 'prefix'; it takes batchSize",
    ],
  ])('refuses %s', async (_, make, message) => {
    await expect((evaluateScores as (...all: unknown[]) => Promise<unknown>)(...make())).rejects.toThrow(message);
  });
});

describe('validationScores', () => {
  test('puts the scores of each epoch into the history, and leaves no tensor', async () => {
    const [x, y] = [xs(), ys()];
    const before = tf.memory().numTensors;
    const { model, dispose } = compiled();
    const all = accumulators();
    const after: number[] = [];
    const callbacks = [
      validationScores(model, { xs: x, ys: y }, all, { batchSize: 4 }),
      { onEpochEnd: async () => void after.push(scoreOf(new MeanIou({ hard: true }), model, x, y)) },
    ];
    const { history } = await model.fit(x, y, { epochs: 3, batchSize: 3, verbose: 0, callbacks });
    expect(history['val_iou']!.length).toBe(3);
    (history['val_iou'] as number[]).forEach((value, epoch) => expect(value).toBeCloseTo(after[epoch]!, 6));
    expect(history['val_matrix_accuracy']!.at(-1)).toBeCloseTo(all.matrix.result().accuracy, 12);
    expect(all.iou.samples).toBe(7);
    dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('can stop training early', async () => {
    const [x, y] = [xs(), ys()];
    const { model, dispose } = compiled();
    const scores = validationScores(model, { xs: x, ys: y }, { iou: new MeanIou() }, { prefix: 'my ' });
    // No score improves by 1, so training stops once the patience is used up.
    const stop = tf.callbacks.earlyStopping({ monitor: 'my iou', mode: 'max', minDelta: 1, patience: 2 });
    const { epoch } = await model.fit(x, y, {
      epochs: 9,
      verbose: 0,
      callbacks: [new tf.CustomCallback(scores), stop],
    });
    expect(epoch.length).toBe(3);
    dispose();
  });

  test('refuses invalid arguments before training begins', () => {
    const model = network();
    const run = (options: object) => () => validationScores(model, { xs: xs(), ys: ys() }, accumulators(), options);
    expect(run({ prefix: 1 })).toThrow('validationScores: prefix must be a string, got 1');
    expect(run({ every: 2 })).toThrow("validationScores: unknown option 'every'; it takes batchSize, prefix");
    expect(() => validationScores(model, { xs: xs() } as never, accumulators())).toThrow('validationScores: data.ys');
    model.dispose();
  });
});

function scoreOf(accumulator: Accumulator<number>, model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor): number {
  return tf.tidy(() => accumulator.update(y, model.predict(x) as tf.Tensor).result());
}
