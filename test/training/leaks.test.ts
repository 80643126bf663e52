/** A thousand steps of each kind of loop leave no tensor behind. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { comboLoss } from '../../src/index.js';
import { MeanIou, validationScores } from '../../src/metrics/index.js';
import {
  acceptAnyTargets,
  anneal,
  saveBest,
  earlyStopping,
  epochBatches,
  learningRateSchedule,
  linearSchedule,
  namedLoss,
  packMask,
  seedEpochs,
  withMask,
} from '../../src/training/index.js';

const EPOCHS = 250;
const BATCH = 2;
const network = () => tf.sequential({ layers: [tf.layers.dense({ inputShape: [4, 3], units: 2 })] });
const data = () => ({ xs: tf.randomNormal([8, 4, 3]), ys: tf.softmax(tf.randomNormal([8, 4, 2])) });
const sharpness = linearSchedule({ from: 1, to: 4, steps: EPOCHS });
const rate = linearSchedule({ from: 0.01, to: 0.001, steps: EPOCHS });

/** The difference between the numbers of tensors held after many epochs and after one. */
async function more(run: (epochs: number) => Promise<unknown>): Promise<number> {
  await run(1);
  const before = tf.memory().numTensors;
  await run(EPOCHS);
  return tf.memory().numTensors - before;
}

test('fit with masks and all callbacks leaves no tensor', async () => {
  const { xs, ys } = data();
  const [model, optimizer, loss] = [network(), tf.train.adam(), withMask(namedLoss('comboLoss'))];
  model.compile({ optimizer, loss });
  acceptAnyTargets(model);
  const packed = packMask(ys, tf.randomUniform([8, 4]));
  const run = (epochs: number) =>
    model.fit(xs, packed, {
      epochs,
      batchSize: BATCH,
      verbose: 0,
      callbacks: [
        seedEpochs(1),
        anneal(loss, { sharpness }),
        learningRateSchedule(optimizer, rate),
        validationScores(model, { xs, ys }, { iou: new MeanIou() }),
        earlyStopping(model, { monitor: 'val_iou', mode: 'max', patience: EPOCHS }),
        saveBest(model, { monitor: 'val_iou', mode: 'max', save: () => {} }),
      ],
    });
  expect(await more(run)).toBe(0);
  expect(optimizer.iterations).toBe(4 * (EPOCHS + 1));
  for (const owner of [model, optimizer]) owner.dispose();
});

test('fitDataset with a new order in each epoch leaves no tensor', async () => {
  const set = data();
  const [model, optimizer, loss] = [network(), tf.train.sgd(0.01), namedLoss('diceLoss')];
  model.compile({ optimizer, loss });
  const run = (epochs: number) =>
    model.fitDataset(epochBatches(set, { batchSize: BATCH }), {
      epochs,
      verbose: 0,
      callbacks: anneal(loss, { sharpness }, { by: 'step', optimizer }),
    });
  expect(await more(run)).toBe(0);
  for (const owner of [model, optimizer]) owner.dispose();
});

test('a loop of the user leaves no tensor', async () => {
  const set = data();
  const [model, optimizer] = [network(), tf.train.adam(0.01)];
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const batches = epochBatches(set, { batchSize: BATCH });
  const run = async (epochs: number) => {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const { xs, ys } of batches.epoch(epoch)) {
        optimizer.minimize(() => comboLoss(ys, model.apply(xs) as tf.Tensor) as tf.Scalar, false, weights);
      }
    }
  };
  expect(await more(run)).toBe(0);
  for (const owner of [model, optimizer]) owner.dispose();
});
