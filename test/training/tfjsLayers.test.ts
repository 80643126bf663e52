/**
 * The behaviour of tfjs-layers 4.22 with weights and several outputs: the docs describe it, and a newer version may
 * differ.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkValues, comboLoss, crossEntropyLoss, diceLoss } from '../../src/index.js';
import { iouScore } from '../../src/metrics/index.js';
import { acceptAnyTargets, namedLoss } from '../../src/training/index.js';
import { toTensor } from '../support/compare.js';
import { randomArray, randomDistribution, randomIndices } from '../support/random.js';
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

const SAMPLES = 6;
const full = { batchSize: SAMPLES, epochs: 1, shuffle: false, verbose: 0 } as const;

afterEach(() => checkValues('first'));

describe('classWeight', () => {
  const classWeight = { 0: 1, 1: 4, 2: 0.5 };
  const classes = [0, 1, 2, 1, 1, 0];
  const weights = [1, 4, 0.5, 4, 4, 1];
  const images = () => toTensor(randomArray([SAMPLES, FEATURES], 1, -1, 1));
  const oneHot = () => tf.cast(tf.oneHot(tf.tensor1d(classes, 'int32'), 3), 'float32');
  const loss = namedLoss('diceLoss', { reduction: 'sample' });
  /** 1/N Σ (weight of the sample's class) · (loss of the sample). */
  const weighted = (z: tf.Tensor) => tf.mean(tf.mul(loss(oneHot(), z), tf.tensor1d(weights)));

  test("weights samples of targets [N, C] by their class, with a loss of reduction 'sample'", async () => {
    const [x, y] = [images(), oneHot()];
    for (const fit of [
      (model: tf.LayersModel) => model.fit(x, y, { ...full, classWeight }),
      (model: tf.LayersModel) => model.fitDataset(batchesOf(x, y, SAMPLES), { epochs: 1, verbose: 0, classWeight }),
    ]) {
      await training(oneOutput([], 3), { loss }, async (model) => {
        const byHand = stepByHand(model, x, ([z]) => weighted(z!));
        const { history } = await fit(model);
        expectNumber(history['loss']![0] as number, byHand.value);
        expectWeights(model, byHand.weights);
      });
    }
  });

  test('also takes class indices once the model accepts them', async () => {
    const x = images();
    await training(oneOutput([], 3), { loss }, async (model) => {
      acceptAnyTargets(model);
      const byHand = stepByHand(model, x, ([z]) => weighted(z!));
      await model.fit(x, tf.tensor1d(classes, 'int32'), { ...full, classWeight });
      expectWeights(model, byHand.weights);
    });
  });

  test('multiplies a scalar loss by the mean of the weights, whatever the classes', async () => {
    const [x, y] = [images(), oneHot()];
    await training(oneOutput([], 3), { loss: diceLoss }, async (model) => {
      const mean = weights.reduce((sum, weight) => sum + weight) / SAMPLES;
      const byHand = stepByHand(model, x, ([z]) => tf.mul(diceLoss(y, z!), mean));
      const { history } = await model.fit(x, y, { ...full, classWeight });
      expectNumber(history['loss']![0] as number, byHand.value);
      expectWeights(model, byHand.weights);
    });
  });

  test("is refused for images, whose classes the loss's own classWeights can weight", async () => {
    const x = toTensor(randomArray([SAMPLES, 2, 2, FEATURES], 1, -1, 1));
    const y = toTensor(randomDistribution([SAMPLES, 2, 2, 3], 2, 3));
    const own = namedLoss('crossEntropyLoss', { classWeights: [1, 4, 0.5] });
    await training(oneOutput([2, 2], 3), { loss: own }, async (model) => {
      await expect(model.fit(x, y, { ...full, classWeight })).rejects.toThrow(
        'Unexpected rank of target (y) tensor (4)',
      );
      // Weighted labels give the same, but do not sum to 1.
      checkValues('never');
      const byHand = stepByHand(model, x, ([z]) => crossEntropyLoss(tf.mul(y, tf.tensor1d([1, 4, 0.5])), z!));
      await model.fit(x, y, full);
      expectWeights(model, byHand.weights);
    });
  });
});

describe('sampleWeight', () => {
  const x = () => toTensor(randomArray([SAMPLES, FEATURES], 1, -1, 1));
  const y = () => toTensor(randomDistribution([SAMPLES, 3], 2, 1));

  test('is not supported by fit', async () => {
    await training(oneOutput([], 3), { loss: diceLoss }, async (model) => {
      const sampleWeight = tf.ones([SAMPLES]);
      await expect(model.fit(x(), y(), { ...full, sampleWeight })).rejects.toThrow(
        'sample weight is not supported yet',
      );
    });
  });

  test('is not supported in validation data', async () => {
    await training(oneOutput([], 3), { loss: diceLoss }, async (model) => {
      const validationData: [tf.Tensor, tf.Tensor, tf.Tensor] = [x(), y(), tf.ones([SAMPLES])];
      await expect(model.fit(x(), y(), { ...full, validationData })).rejects.toThrow('not supported yet');
    });
  });
});

describe('targets of another shape', () => {
  const x = () => toTensor(randomArray([SAMPLES, 2, 2, FEATURES], 1, -1, 1));
  const indices = () => toTensor(randomIndices([SAMPLES, 2, 2], 2, 3));

  test('are refused by fit, evaluate and trainOnBatch', async () => {
    await training(oneOutput([2, 2], 3), { loss: comboLoss }, async (model) => {
      const single = tf.expandDims(indices(), 3);
      await expect(model.fit(x(), indices(), full)).rejects.toThrow('expected logits to have 4 dimension(s)');
      await expect(model.fit(x(), single, full)).rejects.toThrow('each example has shape [2,2,3]');
      await expect(model.trainOnBatch(x(), single)).rejects.toThrow('each example has shape [2,2,3]');
      expect(() => model.evaluate(x(), single)).toThrow('each example has shape [2,2,3]');
    });
  });

  test('are not checked by fitDataset and evaluateDataset, nor in validation data that is a dataset', async () => {
    const [images, targets] = [x(), indices()];
    await training(oneOutput([2, 2], 3), { loss: comboLoss }, async (model) => {
      const byHand = stepByHand(model, images, ([z]) => comboLoss(targets, z!));
      const dataset = batchesOf(images, targets, SAMPLES);
      const { history } = await model.fitDataset(dataset, { epochs: 1, verbose: 0, validationData: dataset });
      expectNumber(history['loss']![0] as number, byHand.value);
      expectWeights(model, byHand.weights);
      const after = numberOf(comboLoss(targets, model.predict(images) as tf.Tensor));
      expectNumber(history['val_loss']![0] as number, after);
      expectNumber(numberOf((await model.evaluateDataset(dataset as never, {})) as tf.Scalar), after);
    });
  });
});

describe('several outputs', () => {
  test('have correct names in fit, but wrong ones in evaluate and validation', async () => {
    const x = toTensor(randomArray([SAMPLES, FEATURES], 1, -1, 1));
    const ys = [2, 3].map((seed) => toTensor(randomDistribution([SAMPLES, 3], seed, 1)));
    const args = { loss: [diceLoss, comboLoss] as never, metrics: [iouScore] };
    await training(twoOutputs([], [3, 3]), args, async (model) => {
      const outputs = model.predict(x) as tf.Tensor[];
      const [first, second] = [numberOf(diceLoss(ys[0]!, outputs[0]!)), numberOf(comboLoss(ys[1]!, outputs[1]!))];
      const scores = ys.map((y, i) => numberOf(iouScore(y, outputs[i]!)));
      const names = ['loss', 'first_loss', 'second_loss', 'first_iouScore', 'second_iouScore'];
      expect(model.metricsNames).toEqual(names);
      // There is one value too many, and the first two are sums of losses.
      const values = (model.evaluate(x, ys) as tf.Scalar[]).map(numberOf);
      const expected = [first, first + second, first, second, ...scores];
      expect(values.length).toBe(expected.length);
      values.forEach((value, i) => expectNumber(value, expected[i]!));

      const { history } = await model.fit(x, ys, { ...full, validationData: [x, ys] });
      names.forEach((name, i) =>
        expectNumber(history[name]![0] as number, [first + second, first, second, ...scores][i]!),
      );
      const after = model.predict(x) as tf.Tensor[];
      expectNumber(history['val_loss']![0] as number, numberOf(diceLoss(ys[0]!, after[0]!)));
    });
  });
});
