/**
 * Every loss in `model.compile` of tfjs-layers: passed directly, configured by a lambda and as a namedLoss, for one
 * output and for two, in fit, fitDataset, trainOnBatch, evaluate and evaluateDataset. Values and steps must equal those
 * computed by hand.
 */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as softseg from '../support/allEntries.js';
import { LOSSES, type LossName } from '../../src/training/lossRegistry.js';
import { toTensor } from '../support/compare.js';
import { hasRegion } from '../support/described.js';
import { indices } from '../reference/index.js';
import { randomArray, randomNumbers } from '../support/random.js';
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
  type Loss,
} from './tinyModels.js';

/** Options that change the value of a loss; all other losses get those of their family. */
const SPECIAL: Partial<Record<LossName, object>> = {
  binaryCrossEntropyLoss: { posWeight: 3 },
  boundaryLoss: { spacing: [1, 2] },
  clDiceLoss: { iterations: 1, sharpness: 2 },
  comboLoss: { weights: { dice: 1, crossEntropy: 2 } },
  crossEntropyLoss: { labelSmoothing: 0.2 },
  diceLoss: { aggregate: 'batch' },
  focalLoss: { gamma: 1 },
  generalizedDiceLoss: { weighting: 'simple' },
  hausdorffLoss: { sharpness: 2 },
  iouLoss: { classWeights: [1, 3] },
  logCoshDiceLoss: { smooth: 1 },
  lovaszHingeLoss: { classes: [1] },
  lovaszSoftmaxLoss: { aggregate: 'batch' },
  mccLoss: { aggregate: 'batch' },
  tverskyLoss: { alpha: 0.3, beta: 0.7 },
  unifiedFocalLoss: { lambda: 0.2 },
};
const ofFamily = (name: LossName) => (hasRegion(name) ? { aggregate: 'batch' } : { sharpness: 2 });
const NAMES = Object.keys(LOSSES) as LossName[];
const ROWS = Object.fromEntries(NAMES.map((name) => [name, SPECIAL[name] ?? ofFamily(name)])) as Record<
  LossName,
  object
>;

const SPATIAL = [4, 4];
const SAMPLES = 4;
const CLASSES = 2;

const images = () => toTensor(randomArray([SAMPLES, ...SPATIAL, FEATURES], 1, -1, 1));

/** One-hot labels with both classes in each image: a square, and a few scattered pixels of the other class. */
function labels(seed = 2): tf.Tensor {
  const random = randomNumbers(seed);
  const inside = (i: number) => Number(i % 16 >= 4 && i % 16 < 12 && i % 4 < 3);
  const values = Array.from({ length: SAMPLES * 16 }, (_, i) => (random() < 0.15 ? 1 - inside(i) : inside(i)));
  return tf.cast(tf.oneHot(toTensor(indices(values, [SAMPLES, ...SPATIAL])) as tf.Tensor3D, CLASSES), 'float32');
}

const softsegLoss = (name: LossName): Loss => softseg[name] as Loss;
const configured = (name: LossName): Loss => {
  const [loss, options] = [softsegLoss(name), ROWS[name]];
  return (t, z) => loss(t, z, options);
};
const named = (name: LossName): Loss => softseg.namedLoss(name, ROWS[name] as never) as Loss;

const FORMS = [
  { form: 'by itself', compiled: softsegLoss, expected: softsegLoss },
  { form: 'in a lambda', compiled: configured, expected: configured },
  { form: 'as a namedLoss', compiled: named, expected: configured },
];

test('every loss of the package has a row, and therefore a name', () => {
  expect(Object.keys(SPECIAL).filter((name) => !NAMES.includes(name as LossName))).toEqual([]);
  // deepSupervisionLoss takes a list of predictions, which an output of a model cannot be.
  const exported = Object.keys(softseg).filter((name) => /^(?!define|named|deepSupervision).*Loss$/.test(name));
  expect(exported.toSorted()).toEqual(NAMES.toSorted());
});

test.each(NAMES)('the options in the row of %s change the value', (name) => {
  const [y, z] = [labels(), toTensor(randomArray([SAMPLES, ...SPATIAL, CLASSES], 3, -2, 2))];
  expect(numberOf(configured(name)(y, z))).not.toBeCloseTo(numberOf(softsegLoss(name)(y, z)), 3);
});

const CASES = NAMES.flatMap((name) => FORMS.map((form) => ({ name, ...form })));

describe.each(CASES)('$name $form', ({ name, compiled, expected }) => {
  test('in fit, fitDataset and trainOnBatch gives the correct value and takes the correct step', async () => {
    const [x, y] = [images(), labels()];
    const runs = {
      fit: async (model: tf.LayersModel) => {
        const { history } = await model.fit(x, y, { batchSize: SAMPLES, epochs: 1, shuffle: false, verbose: 0 });
        return history['loss']![0] as number;
      },
      fitDataset: async (model: tf.LayersModel) => {
        const { history } = await model.fitDataset(batchesOf(x, y, SAMPLES), { epochs: 1, verbose: 0 });
        return history['loss']![0] as number;
      },
      trainOnBatch: async (model: tf.LayersModel) => (await model.trainOnBatch(x, y)) as number,
    };
    for (const run of Object.values(runs)) {
      await training(oneOutput(SPATIAL, CLASSES), { loss: compiled(name) }, async (model) => {
        const byHand = stepByHand(model, x, ([z]) => expected(name)(y, z!));
        const before = tf.memory().numTensors;
        const value = await run(model);
        expect(tf.memory().numTensors).toBe(before);
        expectNumber(value, byHand.value);
        expectWeights(model, byHand.weights);
      });
    }
  });

  test('in evaluate and evaluateDataset gives the mean of its values over batches', async () => {
    const [x, y] = [images(), labels()];
    await training(oneOutput(SPATIAL, CLASSES), { loss: compiled(name), metrics: [compiled(name)] }, async (model) => {
      const onSamples = (from: number, count: number) => {
        const part = (all: tf.Tensor) => tf.slice(all, [from, 0, 0, 0], [count, ...all.shape.slice(1)]);
        return numberOf(expected(name)(part(y), model.predict(part(x)) as tf.Tensor));
      };
      const mean = (3 * onSamples(0, 3) + onSamples(3, 1)) / 4;
      const [value, metric] = model.evaluate(x, y, { batchSize: 3 }) as tf.Scalar[];
      expectNumber(numberOf(value!), mean);
      expectNumber(numberOf(metric!), mean);
      const [ofDataset] = (await model.evaluateDataset(batchesOf(x, y, 3) as never, {})) as tf.Scalar[];
      expectNumber(numberOf(ofDataset!), mean);
    });
  });
});

describe.each(NAMES)('%s next to another loss, for two outputs', (name) => {
  const both: [Loss, Loss] = [configured(name), softsegLoss('comboLoss')];
  test.each([
    ['in the array form', [named(name), softseg.comboLoss]],
    ['in the object form', { second: softseg.comboLoss, first: named(name) }],
  ])('%s adds up and takes the step of the sum', async (_, loss) => {
    const x = images();
    const ys = [labels(2), labels(3)] as [tf.Tensor, tf.Tensor];
    await training(twoOutputs(SPATIAL, [CLASSES, CLASSES]), { loss: loss as never }, async (model) => {
      const values = (outputs: tf.Tensor[]) => both.map((f, i) => f(ys[i]!, outputs[i]!));
      const [first, second] = values(model.predict(x) as tf.Tensor[]).map(numberOf);
      const byHand = stepByHand(model, x, (outputs) => tf.addN(values(outputs)));
      const args = { batchSize: SAMPLES, epochs: 1, shuffle: false, verbose: 0 as const };
      const { history } = await model.fit(x, { first: ys[0], second: ys[1] }, args);
      expectNumber(history['loss']![0] as number, first! + second!);
      expectNumber(history['first_loss']![0] as number, first!);
      expectNumber(history['second_loss']![0] as number, second!);
      expectWeights(model, byHand.weights);
    });
  });
});

test('one function for two outputs is the loss of both', async () => {
  const [x, y] = [images(), labels()];
  await training(twoOutputs(SPATIAL, [CLASSES, CLASSES]), { loss: softseg.diceLoss }, async (model) => {
    const outputs = model.predict(x) as tf.Tensor[];
    const [total, first, second] = (await model.trainOnBatch(x, [y, y])) as number[];
    expectNumber(first, numberOf(softseg.diceLoss(y, outputs[0]!)));
    expectNumber(second, numberOf(softseg.diceLoss(y, outputs[1]!)));
    expectNumber(total, first! + second!);
  });
});

test('values per sample are averaged: reductions sample and mean take the same step if all samples count', async () => {
  const [x, y] = [images(), labels()];
  const loss = softseg.namedLoss('diceLoss', { reduction: 'sample' });
  await training(oneOutput(SPATIAL, CLASSES), { loss }, async (model) => {
    const byHand = stepByHand(model, x, ([z]) => softseg.diceLoss(y, z!));
    expectNumber((await model.trainOnBatch(x, y)) as number, byHand.value);
    expectWeights(model, byHand.weights);
  });
});

test('an option set during training applies from the next batch on', async () => {
  const [x, y] = [images(), labels()];
  const loss = softseg.namedLoss('iouLoss', { sharpness: 1 });
  await training(oneOutput(SPATIAL, CLASSES), { loss }, (model) => {
    const z = model.predict(x) as tf.Tensor;
    for (const sharpness of [1, 3]) {
      loss.set({ sharpness });
      expectNumber(numberOf(model.evaluate(x, y) as tf.Scalar), numberOf(softseg.iouLoss(y, z, { sharpness })));
    }
  });
});
