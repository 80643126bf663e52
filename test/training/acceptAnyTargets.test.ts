/** Class indices as targets of fit, trainOnBatch and evaluate. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { comboLoss, crossEntropyLoss, deepSupervisionLoss } from '../../src/index.js';
import { iouScore } from '../../src/metrics/index.js';
import { acceptAnyTargets } from '../../src/training/index.js';
import { freedOutputs } from '../../src/training/targets/acceptAnyTargets.js';
import { toTensor } from '../support/compare.js';
import { randomArray, randomIndices } from '../support/random.js';
import {
  batchesOf,
  expectNumber,
  expectWeights,
  FEATURES,
  numberOf,
  oneOutput,
  stepByHand,
  training,
  twoOutputs,
} from './tinyModels.js';

const SAMPLES = 7;
const CLASSES = 3;
const images = (spatial = [2, 3]) => toTensor(randomArray([SAMPLES, ...spatial, FEATURES], 1, -1, 1));
const indices = (spatial = [2, 3]) => toTensor(randomIndices([SAMPLES, ...spatial], 2, CLASSES)) as tf.Tensor3D;
const oneHot = (t: tf.Tensor) => tf.cast(tf.oneHot(t as tf.Tensor3D, CLASSES), 'float32');
const full = { batchSize: SAMPLES, epochs: 1, shuffle: false, verbose: 0 } as const;

/** The same layers in a functional model. */
function functional(): tf.LayersModel {
  const inputs = tf.input({ shape: [2, 3, FEATURES] });
  return tf.model({ inputs, outputs: tf.layers.dense({ units: CLASSES }).apply(inputs) as tf.SymbolicTensor });
}

test.each([
  ['[N, ...spatial]', (t: tf.Tensor) => t],
  ['[N, ...spatial, 1]', (t: tf.Tensor) => tf.expandDims(t, -1)],
])('class indices %s give the same as their one-hot labels, in every function', async (_, shaped) => {
  const [x, t] = [images(), shaped(indices())];
  const y = oneHot(indices());
  const expected: number[][] = [];
  const given: number[][] = [];
  let weights: tf.Tensor[] = [];
  for (const [targets, results] of [
    [y, expected],
    [t, given],
  ] as const) {
    const args = { loss: comboLoss, metrics: [(t: tf.Tensor, z: tf.Tensor) => iouScore(t, z)] };
    await training(oneOutput([2, 3], CLASSES), args, async (model) => {
      if (targets === t) acceptAnyTargets(model);
      const fitted = await model.fit(x, targets, {
        epochs: 2,
        batchSize: 3,
        shuffle: false,
        verbose: 0,
        validationSplit: 0.3,
      });
      const validated = await model.fit(x, targets, { ...full, validationData: [x, targets] });
      const ofDataset = await model.fitDataset(batchesOf(x, targets, 3), { epochs: 1, verbose: 0 });
      for (const { history } of [fitted, validated, ofDataset]) results.push(...(Object.values(history) as number[][]));
      results.push((await model.trainOnBatch(x, targets)) as number[]);
      results.push((model.evaluate(x, targets, { batchSize: 3 }) as tf.Scalar[]).map(numberOf));
      const evaluated = await model.evaluateDataset(batchesOf(x, targets, 3) as never, {});
      results.push((evaluated as tf.Scalar[]).map(numberOf));
      if (targets === y) weights = model.getWeights().map((weight) => tf.clone(weight));
      else expectWeights(model, weights);
    });
  }
  expect(given.length).toBe(expected.length);
  given.forEach((values, i) => values.forEach((value, j) => expectNumber(value, expected[i]![j]!)));
});

test('a functional model takes class indices like a sequential one', async () => {
  const [x, t] = [images(), indices()];
  await training(functional(), { loss: comboLoss }, async (model) => {
    acceptAnyTargets(model);
    const byHand = stepByHand(model, x, ([z]) => comboLoss(t, z!));
    await model.fit(x, t, full);
    expectWeights(model, byHand.weights);
  });
});

test('shuffling, splitting and batching keep indices int32 and with their images', async () => {
  // The features encode the label, and the network passes them on.
  const t = indices();
  const x = tf.mul(oneHot(t), 12);
  const seen: { dtype: string; shape: number[]; value: number }[] = [];
  const loss = (labels: tf.Tensor, z: tf.Tensor) => {
    const value = crossEntropyLoss(labels, z);
    seen.push({ dtype: labels.dtype, shape: labels.shape, value: numberOf(value) });
    return value;
  };
  await training(oneOutput([2, 3], CLASSES), { loss }, async (model) => {
    model.setWeights([tf.eye(3), tf.zeros([3])]);
    acceptAnyTargets(model);
    await model.fit(x, t, { epochs: 2, batchSize: 2, verbose: 0, validationSplit: 0.2 });
    await model.fitDataset(batchesOf(x, t, 4), { epochs: 1, verbose: 0 });
  });
  // In each of two epochs, 5 samples in 3 batches and 2 in 1; then 2 batches of the dataset.
  expect(seen.map(({ shape }) => shape[0])).toEqual([2, 2, 1, 2, 2, 2, 1, 2, 4, 3]);
  for (const { dtype, shape, value } of seen) {
    expect(dtype).toBe('int32');
    expect(shape.slice(1)).toEqual([2, 3]);
    expect(value).toBeLessThan(1e-4);
  }
});

test('a classifier gets indices [N] as [N, 1]', async () => {
  const [x, t] = [images([]), indices([])];
  await training(oneOutput([], CLASSES), { loss: crossEntropyLoss }, async (model) => {
    acceptAnyTargets(model);
    const byHand = stepByHand(model, x, ([z]) => crossEntropyLoss(t, z!));
    expectNumber((await model.trainOnBatch(x, t)) as number, byHand.value);
    expectWeights(model, byHand.weights);
  });
});

test('no tensor is left behind', async () => {
  const [x, t] = [images(), indices()];
  await training(oneOutput([2, 3], CLASSES), { loss: comboLoss }, async (model) => {
    const before = tf.memory().numTensors;
    acceptAnyTargets(model);
    await model.fit(x, t, { epochs: 2, batchSize: 3, verbose: 0, validationSplit: 0.3 });
    await model.trainOnBatch(x, t);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('models of several outputs', () => {
  const x = () => images([]);
  const t = () => indices([]);

  test('accept any targets for all outputs with a function as loss, or for the named ones', async () => {
    await training(twoOutputs([], [3, 2]), { loss: [comboLoss, 'meanSquaredError'] as never }, async (model) => {
      acceptAnyTargets(model);
      expect(freedOutputs(model)).toEqual(['first']);
      await model.trainOnBatch(x(), [t(), tf.ones([SAMPLES, 2])]);
      await expect(model.trainOnBatch(x(), [t(), tf.ones([SAMPLES, 1])])).rejects.toThrow('target expected a batch');
    });
    await training(
      twoOutputs([], [3, 3]),
      { loss: { second: comboLoss, first: comboLoss } as never },
      async (model) => {
        acceptAnyTargets(model, { outputs: ['second'] });
        expect(freedOutputs(model)).toEqual(['second']);
        await model.trainOnBatch(x(), [oneHot(t()), t()]);
        await expect(model.trainOnBatch(x(), [t(), t()])).rejects.toThrow('target expected a batch');
        acceptAnyTargets(model);
        expect(freedOutputs(model)).toEqual(['first', 'second']);
        await model.trainOnBatch(x(), [t(), t()]);
      },
    );
  });

  test('can have one full-size label for deep supervision in compile', async () => {
    const input = tf.input({ shape: [4, 4, 3] });
    const coarse = tf.layers.averagePooling2d({ poolSize: 2 }).apply(input) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: input,
      outputs: [input, coarse].map((layer) => tf.layers.dense({ units: 3 }).apply(layer) as tf.SymbolicTensor),
    });
    const [image, label] = [toTensor(randomArray([2, 4, 4, 3], 1, -1, 1)), toTensor(randomIndices([2, 4, 4], 3, 3))];
    const loss = (labels: tf.Tensor, z: tf.Tensor) => deepSupervisionLoss(comboLoss, labels, [z]);
    await training(model, { loss: [comboLoss, loss] as never }, async () => {
      acceptAnyTargets(model);
      const byHand = stepByHand(model, image, (outputs) =>
        deepSupervisionLoss(comboLoss, label, outputs, { weights: [1, 1] }),
      );
      const [total] = (await model.trainOnBatch(image, [label, label])) as number[];
      expectNumber(total, byHand.value);
      expectWeights(model, byHand.weights);
    });
  });
});

describe('errors say what is wrong', () => {
  const on = (model: unknown, options?: object) => () => acceptAnyTargets(model as tf.LayersModel, options);

  test('with the model', () => {
    const models = [oneOutput([], 3), functional()];
    expect(on(undefined)).toThrow('acceptAnyTargets: model must be a model of tfjs-layers, got undefined');
    expect(on({})).toThrow('acceptAnyTargets: model must be a model of tfjs-layers, got {}');
    for (const model of models) {
      expect(on(model)).toThrow('acceptAnyTargets: compile the model first');
      model.dispose();
    }
  });

  test('with the outputs', async () => {
    await training(twoOutputs([], [3, 3]), { loss: [comboLoss, 'meanSquaredError'] as never }, (model) => {
      expect(on(model, { outputs: ['third'] })).toThrow('the model has the outputs first, second, got "third"');
      expect(on(model, { outputs: ['first', 'second'] })).toThrow(
        `the loss of output 'second' must be a function, got "meanSquaredError", which needs targets of its shape`,
      );
      expect(on(model, { outputs: [] })).toThrow('outputs must be a list of names of outputs that have a function');
      expect(on(model, { output: 'first' })).toThrow(`unknown option 'output'; it takes outputs`);
      expect(freedOutputs(model)).toEqual([]);
    });
    await training(oneOutput([], 3), { loss: 'meanSquaredError' }, (model) => {
      expect(on(model)).toThrow(
        'outputs must be a list of names of outputs that have a function as their loss, got []',
      );
    });
  });

  test('with a tfjs-layers that has no such field', async () => {
    await training(functional(), { loss: comboLoss }, (model) => {
      delete (model as unknown as { feedOutputShapes?: unknown }).feedOutputShapes;
      expect(on(model)).toThrow(
        'acceptAnyTargets: this version of tfjs-layers has no feedOutputShapes; fitDataset takes',
      );
    });
  });

  test('with the shapes of targets after compile, which makes the model strict again', async () => {
    await training(oneOutput([2, 3], CLASSES), { loss: comboLoss }, async (model) => {
      acceptAnyTargets(model);
      expect(freedOutputs(model)).toEqual(['logits']);
      model.compile({ optimizer: model.optimizer as tf.Optimizer, loss: comboLoss });
      expect(freedOutputs(model)).toEqual([]);
      await expect(model.trainOnBatch(images(), indices())).rejects.toThrow('dimension(s)');
    });
  });
});
