// Measures the effect of annealing on the brain slices of the demo with hard labels: prints the tables of
// docs/training.md, and stores the scores that `npm run pictures` draws as docs/annealing.svg. Needs the built package
// (npm run build) and the native backend; it takes about six minutes on two cores.
//
// Each run trains a U-Net (8-16-32 channels) on 32 slices, in batches of 4, with Adam and a learning rate that falls
// from 2e-3 to 0 along a cosine. The runs of one seed start with the same weights and see the same batches. The score
// is the IoU of the argmax on 18 test slices.
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { iouLoss, powerSharpen, softOneHot } from 'softseg';
import { MeanIou, validationScores } from 'softseg/metrics';
import { load, trainingProgress } from 'softseg/node';
import {
  anneal,
  cosineSchedule,
  exponentialSchedule,
  learningRateSchedule,
  linearSchedule,
  namedLoss,
  seedEpochs,
} from 'softseg/training';
import { commandLine, wholeNumber } from './options.js';
import { RESULTS } from './plots/annealing.js';
import { pageTable } from './table.js';
import { writeWhole } from './writeWhole.js';

const options = commandLine({
  usage: 'node scripts/annealing.js [options]',
  about:
    'Trains with and without annealing, prints the tables of docs/training.md, and stores the scores for its picture.',
  options: {
    epochs: { value: 'N', parse: wholeNumber(2, 9999), default: 40, about: 'epochs of each run' },
    seeds: { value: 'N', parse: wholeNumber(1, 99), default: 3, about: 'runs of each kind' },
  },
});

const BATCH = 4;
/** The picture shows the first runs, those with IoU alone and the same learning rate. */
const PICTURED = 4;
/** A gradient below this fraction of the largest one is called vanishing. */
const VANISHING = 1e-6;
const iou = (settings) => namedLoss('iouLoss', { aggregate: 'batch', ...settings });
const combo = (settings) => namedLoss('comboLoss', { aggregate: 'batch', ...settings });
const powerIou = (power) => {
  const sharpened = (labels, logits, { power }) => {
    const activation = (z) => powerSharpen(softOneHot(z), power);
    return iouLoss(labels, logits, { aggregate: 'batch', activation });
  };
  return namedLoss('powerIouLoss', { power }, sharpened);
};

/**
 * The runs: a loss, the schedules of its options up to the last epoch, and the learning rate at the start. Some have a
 * higher learning rate, because a sharpness of 8 has the same effect as larger steps of the logits.
 */
const RUNS = {
  IoU: { loss: () => iou({}) },
  'IoU, sharpness 1 to 8': { loss: () => iou({}), schedules: (last) => ({ sharpness: from1(8, last) }) },
  'IoU, sharpness 8': { loss: () => iou({ sharpness: 8 }) },
  'IoU, power 1 to 4': {
    loss: () => powerIou(1),
    schedules: (last) => ({ power: linearSchedule({ from: 1, to: 4, steps: last }) }),
  },
  'IoU, 4 times the rate': { loss: () => iou({}), rate: 8e-3 },
  'IoU + cross-entropy': { loss: () => combo({}) },
  'IoU + cross-entropy, sharpness 1 to 8': {
    loss: () => combo({}),
    schedules: (last) => ({ sharpness: from1(8, last) }),
  },
  'IoU + cross-entropy, sharpness 8': { loss: () => combo({ sharpness: 8 }) },
  'IoU + cross-entropy, 4 times the rate': { loss: () => combo({}), rate: 8e-3 },
};
const from1 = (to, steps) => exponentialSchedule({ from: 1, to, steps });

/** Losses whose gradient is measured on the networks that 'IoU' has trained, to see where it vanishes. */
const READ_AS = {
  'sharpness 1': iou({}),
  'sharpness 2': iou({ sharpness: 2 }),
  'sharpness 4': iou({ sharpness: 4 }),
  'sharpness 8': iou({ sharpness: 8 }),
  'power 2': powerIou(2),
  'power 4': powerIou(4),
};

// -------------------------------------------------------------------------------------------------------- the training

async function trained() {
  await load('native');
  const { bundledDataset } = await import('../examples/dist/brain/bundled.js');
  const { makeTensors } = await import('../examples/dist/brain/tensors.js');
  const { unet } = await import('../examples/dist/shared/unet.js');
  const data = makeTensors(bundledDataset(), 4);
  const hard = (labels) => tf.tidy(() => tf.cast(tf.oneHot(tf.argMax(labels, -1), 3), 'float32'));
  const [train, test] = [data.train, data.test].map(({ xs, ys }) => ({ xs, ys: hard(ys) }));
  const shape = { height: data.height, width: data.width, channels: 1, classes: 3, levels: [8, 16, 32] };
  const { epochs, seeds } = options;
  const steps = epochs * Math.ceil(train.xs.shape[0] / BATCH);

  const results = { epochs, runs: {}, gradients: {} };
  for (let seed = 1; seed <= seeds; seed++) {
    for (const [name, { loss: make, schedules, rate = 2e-3 }] of Object.entries(RUNS)) {
      const model = unet(shape, 100 * seed);
      const loss = make();
      const optimizer = tf.train.adam();
      model.compile({ optimizer, loss });
      const reads = name === 'IoU' ? READ_AS : {};
      const before = await vanishing(model, train, reads);
      const { history } = await model.fit(train.xs, train.ys, {
        epochs,
        batchSize: BATCH,
        verbose: 0,
        callbacks: [
          seedEpochs(seed),
          ...(schedules ? [anneal(loss, schedules(epochs - 1))] : []),
          learningRateSchedule(optimizer, cosineSchedule({ from: rate, to: 0, steps }), { by: 'step' }),
          validationScores(model, test, { iou: new MeanIou({ hard: true }) }, { batchSize: 6 }),
          trainingProgress(),
        ],
      });
      const after = await vanishing(model, train, { own: loss, ...reads });
      (results.runs[name] ??= []).push({ iou: history.val_iou, loss: history.loss, own: after.own });
      for (const read of Object.keys(reads)) {
        (results.gradients[read] ??= []).push({ before: before[read], after: after[read] });
      }
      console.error(`seed ${seed}, ${name}: ${history.val_iou.at(-1).toFixed(4)}`);
      model.dispose();
      optimizer.dispose();
    }
  }
  return results;
}

/** For each loss, the fraction of all pixels, and of those whose argmax is wrong, where its gradient vanishes. */
async function vanishing(model, { xs, ys }, losses) {
  const shares = {};
  for (const [name, loss] of Object.entries(losses)) {
    const [all, wrong] = tf.tidy(() => {
      const logits = model.predict(xs, { batchSize: 8 });
      const sizes = tf.max(tf.abs(tf.grad((z) => loss(ys, z))(logits)), -1);
      const vanished = tf.cast(tf.less(sizes, tf.mul(tf.max(sizes), VANISHING)), 'float32');
      const mistaken = tf.cast(tf.notEqual(tf.argMax(logits, -1), tf.argMax(ys, -1)), 'float32');
      return [tf.mean(vanished), tf.div(tf.sum(tf.mul(vanished, mistaken)), tf.sum(mistaken))];
    });
    shares[name] = { all: (await all.data())[0], wrong: (await wrong.data())[0] };
    tf.dispose([all, wrong]);
  }
  return shares;
}

// --------------------------------------------------------------------------------------------------------- the tables

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) =>
  values.length < 2
    ? 0
    : Math.sqrt((mean(values.map((v) => (v - mean(values)) ** 2)) * values.length) / (values.length - 1));
const spread = (values) => `${mean(values).toFixed(3)} ± ${deviation(values).toFixed(3)}`;
const percent = (values) => `${(100 * mean(values)).toFixed(1)} ± ${(100 * deviation(values)).toFixed(1)} %`;

function tables({ epochs, runs, gradients }) {
  const early = Math.max(1, Math.floor(epochs / 4));
  const trainedWith = Object.entries(runs).map(([name, seeds]) => {
    const score = (epoch) => spread(seeds.map(({ iou }) => iou[epoch - 1]));
    const own = (which) => percent(seeds.map(({ own }) => own[which]));
    return [name, score(early), score(epochs), own('all'), own('wrong')];
  });
  const readWith = Object.entries(gradients).map(([name, seeds]) => {
    const share = (when, which) => percent(seeds.map((seed) => seed[when][which]));
    return [name, ...['before', 'after'].flatMap((when) => [share(when, 'all'), share(when, 'wrong')])];
  });
  return [
    pageTable(
      ['trained with', `IoU after ${early} epochs`, `after ${epochs}`, 'vanishing at the end', 'of the wrong pixels'],
      trainedWith,
    ),
    pageTable(
      ['read with', 'before training', 'of the wrong pixels', 'after training', 'of the wrong pixels'],
      readWith,
    ),
  ].join('\n\n');
}

/** The scores of the runs that the picture shows: a line of the file for each run. */
function stored({ epochs, runs }) {
  const shown = Object.entries(runs).slice(0, PICTURED);
  const scores = shown.map(([name, seeds]) => {
    const lines = seeds.map(({ iou }) => `      ${JSON.stringify(iou.map((value) => Number(value.toFixed(4))))}`);
    return `    ${JSON.stringify(name)}: [\n${lines.join(',\n')}\n    ]`;
  });
  return `{\n  "epochs": ${epochs},\n  "scores": {\n${scores.join(',\n')}\n  }\n}\n`;
}

// ------------------------------------------------------------------------------------------------------------ running

tf.enableProdMode();
const results = await trained();
console.log(tables(results));
writeWhole(fileURLToPath(RESULTS), stored(results));
console.log('\nnpm run pictures draws docs/annealing.svg from these scores.');
