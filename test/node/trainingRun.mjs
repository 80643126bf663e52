// A training run that can be killed and started again: node trainingRun.mjs loop|fit OPTIMIZER FOLDER. It prints a line
// before each step, and at its end the bits of its weights.
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import {
  anneal,
  epochBatches,
  exponentialSchedule,
  linearSchedule,
  learningRateSchedule,
  namedLoss,
} from 'softseg/training';
import { checkpoints, latestCheckpoint, load, saveCheckpoint } from 'softseg/node';

const [kind, optimizerName, folder] = process.argv.slice(2);
await load('native');
const tf = await import('@tensorflow/tfjs');
const say = (line) => writeSync(1, `${line}\n`);

const EPOCHS = 5;
const BATCHES = 3;
const values = (shape, f) =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => f(i)),
    shape,
  );
const data = {
  xs: values([12, 12, 12, 2], (i) => Math.sin(i * 1.7) + Math.cos(i * 0.013)),
  ys: tf.tidy(() => tf.softmax(values([12, 12, 12, 3], (i) => 3 * Math.cos(i * 0.31)))),
};

const optimizers = { adam: () => tf.train.adam(0.01), momentum: () => tf.train.momentum(0.05, 0.9) };

function build() {
  const seeded = (seed) => tf.initializers.glorotUniform({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [12, 12, 2],
        filters: 8,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: seeded(1),
      }),
      tf.layers.conv2d({ filters: 3, kernelSize: 1, kernelInitializer: seeded(2) }),
    ],
  });
  const loss = namedLoss('comboLoss', { aggregate: 'batch' });
  model.compile({ optimizer: optimizers[optimizerName](), loss });
  return { model, losses: { [model.outputNames[0]]: loss } };
}

const last = await latestCheckpoint(folder);
say(`found ${last ? last.epoch + last.step + 1 : 'nothing'}`);
const { model, losses } = last ? await last.load() : build();
const [loss] = Object.values(losses);
const { optimizer } = model;
const annealing = anneal(
  loss,
  { sharpness: exponentialSchedule({ from: 1, to: 4, steps: EPOCHS * BATCHES }) },
  { by: 'step', optimizer },
);
const rate = learningRateSchedule(optimizer, linearSchedule({ from: 0.02, to: 0.001, steps: EPOCHS }));

if (kind === 'loop') {
  const batches = epochBatches(data, { batchSize: 4, seed: 3 });
  const done = last ? last.step + 1 : 0;
  if (last && last.state.next !== done) throw new Error(`the state says ${last.state.next}, the name ${done}`);
  let step = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    rate.at(epoch);
    for (const { xs, ys } of batches.epoch(epoch)) {
      if (step++ < done) continue;
      annealing.at(step - 1);
      say(`step ${step - 1}`);
      await model.trainOnBatch(xs, ys);
      say(`saving ${step - 1}`);
      await saveCheckpoint(model, folder, { step: step - 1, state: { next: step } });
      say(`saved ${step - 1}`);
    }
  }
} else {
  const initialEpoch = last ? last.epoch + 1 : 0;
  const batches = epochBatches(data, { batchSize: 4, seed: 3, initialEpoch });
  await model.fitDataset(batches, {
    epochs: EPOCHS,
    initialEpoch,
    verbose: 0,
    callbacks: [
      rate,
      annealing,
      { onBatchBegin: (batch) => say(`step ${batch}`), onEpochEnd: (epoch) => say(`saving ${epoch}`) },
      checkpoints(model, folder),
      { onEpochEnd: (epoch) => say(`saved ${epoch}`) },
    ],
  });
}
const hash = createHash('sha256');
for (const weight of model.getWeights()) hash.update(new Uint8Array((await weight.data()).slice().buffer));
say(`weights ${hash.digest('hex')} steps ${optimizer.iterations}`);
