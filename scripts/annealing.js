// What annealing does on the brain slices of the demo with hard labels: prints the tables of docs/training.md and draws
// docs/annealing.svg. Needs the built package (npm run build) and the native backend; about six minutes on two cores.
//
//   node scripts/annealing.js [--epochs 40] [--seeds 3] [--results FILE]   trains, and writes FILE if it is named
//   node scripts/annealing.js --from FILE                                  prints and draws what was trained before
//
// Each run is a U-Net (8-16-32 channels) on 32 slices, in batches of 4, with Adam and a cosine from 2e-3 to 0; the runs
// of a seed have the same weights and batches at the start. The score is the IoU of the argmax on 18 test slices.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { iouLoss, powerSharpen, softOneHot, softThreshold } from 'softseg';
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
import { at, path, text, TEXT } from './svg.js';
import { writeWhole } from './writeWhole.js';

const { values: options } = parseArgs({
  options: {
    epochs: { type: 'string', default: '40' },
    seeds: { type: 'string', default: '3' },
    results: { type: 'string' },
    from: { type: 'string' },
  },
});

const BATCH = 4;
/** A gradient below this share of the largest one is called vanishing. */
const VANISHING = 1e-6;
const iou = (settings) => namedLoss('iouLoss', { aggregate: 'batch', ...settings });
const combo = (settings) => namedLoss('comboLoss', { aggregate: 'batch', ...settings });
const ofPower = (power) => {
  const sharpened = (labels, logits, { power }) => {
    const activation = (z) => powerSharpen(softOneHot(z), power);
    return iouLoss(labels, logits, { aggregate: 'batch', activation });
  };
  return namedLoss('powerIouLoss', { power }, sharpened);
};

/**
 * The runs: a loss, the schedules of its options by the last epoch, the learning rate at the start. (A sharpness of 8
 * makes logits count for more, as a higher rate would; hence the runs with one.)
 */
const RUNS = {
  IoU: { loss: () => iou({}) },
  'IoU, sharpness 1 to 8': { loss: () => iou({}), schedules: (last) => ({ sharpness: from1(8, last) }) },
  'IoU, sharpness 8': { loss: () => iou({ sharpness: 8 }) },
  'IoU, power 1 to 4': { loss: () => ofPower(1), schedules: (last) => ({ power: linearSchedule({ from: 1, to: 4, steps: last }) }) }, // prettier-ignore
  'IoU, 4 times the rate': { loss: () => iou({}), rate: 8e-3 },
  'IoU + cross-entropy': { loss: () => combo({}) },
  'IoU + cross-entropy, sharpness 1 to 8': { loss: () => combo({}), schedules: (last) => ({ sharpness: from1(8, last) }) }, // prettier-ignore
  'IoU + cross-entropy, sharpness 8': { loss: () => combo({ sharpness: 8 }) },
  'IoU + cross-entropy, 4 times the rate': { loss: () => combo({}), rate: 8e-3 },
};
const from1 = (to, steps) => exponentialSchedule({ from: 1, to, steps });

/** With what the networks that 'IoU' has trained are read, to see where the gradient vanishes. */
const READ_AS = {
  'sharpness 1': iou({}),
  'sharpness 2': iou({ sharpness: 2 }),
  'sharpness 4': iou({ sharpness: 4 }),
  'sharpness 8': iou({ sharpness: 8 }),
  'power 2': ofPower(2),
  'power 4': ofPower(4),
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
  const [epochs, seeds] = [Number(options.epochs), Number(options.seeds)];
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

/** For each loss, in which share of all pixels, and of those whose argmax is wrong, its gradient to the logits vanishes. */
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
  const middle = Math.floor(epochs / 4) - 1;
  return [
    `| trained with | IoU after ${middle + 1} epochs | IoU after ${epochs} | vanishing at the end | of the wrong pixels |`,
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(runs).map(([name, seeds]) => {
      const at = (epoch) => spread(seeds.map(({ iou }) => iou.at(epoch)));
      const own = (which) => percent(seeds.map(({ own }) => own[which]));
      return `| ${name} | ${at(middle)} | ${at(-1)} | ${own('all')} | ${own('wrong')} |`;
    }),
    '',
    '| read with | before training | of the wrong pixels | after training | of the wrong pixels |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(gradients).map(([name, seeds]) => {
      const of = (when, which) => percent(seeds.map((seed) => seed[when][which]));
      return `| ${name} | ${of('before', 'all')} | ${of('before', 'wrong')} | ${of('after', 'all')} | ${of('after', 'wrong')} |`;
    }),
  ].join('\n');
}

// -------------------------------------------------------------------------------------------------------- the picture

const COLOURS = ['#4c8dd6', '#2da44e', '#d9730d', '#a259c4'];
const DASHES = ['', '7 3', '2 2.5', '9 3 2 3'];
const PANEL = { width: 300, height: 200, top: 48 };

/** Slopes of softThreshold, as the package computes them. */
function slopes() {
  const zs = Array.from({ length: 161 }, (_, i) => -4 + i / 20);
  return [1, 2, 4, 8].map((sharpness) => {
    const slope = tf.tidy(() =>
      tf
        .grad((z) => softThreshold(z, { sharpness }))(tf.tensor(zs))
        .dataSync(),
    );
    return { name: `sharpness ${sharpness}`, points: [zs.map((z, i) => [z, Math.log10(Math.max(slope[i], 1e-12))])] };
  });
}

function learning({ runs }) {
  return Object.entries(runs)
    .slice(0, 4)
    .map(([name, seeds]) => ({ name, points: seeds.map(({ iou }) => iou.map((value, i) => [i + 1, value])) }));
}

function panel(curves, left, title, xTicks, yTicks, unit, showY) {
  const { width, height, top } = PANEL;
  const [x, y] = [scale(xTicks, left, left + width), scale(yTicks, top + height, top)];
  const line = (points) => points.map(([a, b], i) => `${i ? 'L' : 'M'}${at(x(a))} ${at(y(b))}`).join('');
  const means = (points) => points[0].map(([a], i) => [a, mean(points.map((each) => each[i][1]))]);
  return [
    text(left, top - 14, title, { weight: 700, size: 13 }),
    ...yTicks.flatMap((tick) => [
      path(`M${left} ${at(y(tick))}h${width}`, { opacity: 0.22 }),
      text(left - 6, at(y(tick) + 4), showY(tick), { anchor: 'end' }),
    ]),
    ...xTicks.map((tick) => text(at(x(tick)), top + height + 16, String(tick), { anchor: 'middle' })),
    path(`M${left} ${top}v${height}h${width}`),
    text(left + width / 2, top + height + 32, unit, { anchor: 'middle', size: 12 }),
    `<clipPath id="at${left}"><rect x="${left}" y="${top}" width="${width}" height="${height}"/></clipPath>`,
    `<g clip-path="url(#at${left})">`,
    ...curves.flatMap(({ points }, i) => [
      ...(points.length > 1 ? points.map((each) => path(line(each), { colour: COLOURS[i], opacity: 0.3 })) : []),
      path(line(means(points)), { colour: COLOURS[i], width: 2, dash: DASHES[i] }),
    ]),
    '</g>',
    ...curves.flatMap(({ name }, i) => {
      const [column, row] = [left + (i % 2) * 150, top + height + 52 + 18 * Math.floor(i / 2)];
      return [
        path(`M${column} ${row - 4}h26`, { colour: COLOURS[i], width: 2, dash: DASHES[i] }),
        text(column + 32, row, name, { size: 11 }),
      ];
    }),
  ];
}

function scale(ticks, from, to) {
  const [low, high] = [ticks[0], ticks.at(-1)];
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

function picture(results) {
  const scores = learning(results);
  const best =
    Math.ceil(Math.max(...scores.flatMap(({ points }) => points.flat().map(([, value]) => value))) * 20) / 20;
  const yTicks = Array.from({ length: 6 }, (_, i) => Number((best - 0.5 + i / 10).toFixed(2)));
  const xTicks = [1, ...[1, 2, 3, 4].map((i) => Math.round((results.epochs * i) / 4))];
  const logarithms = [-8, -5, -2, 1];
  const power = (tick) => (tick > 0 ? '10' : `1e${tick}`);
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 342" width="740" height="342" ' +
      `font-family="system-ui, sans-serif" fill="${TEXT}">`,
    '<title>The slope of a sharpened sigmoid, and the test scores of annealed losses</title>',
    ...panel(slopes(), 48, '|dp/dz| of sigmoid(sharpness·z)', [-4, -2, 0, 2, 4], logarithms, 'z', power),
    ...panel(scores, 424, 'IoU of the argmax: each run, and the mean', xTicks, yTicks, 'epoch', (tick) =>
      tick.toFixed(2),
    ),
    '</svg>',
    '',
  ].join('\n');
}

// ------------------------------------------------------------------------------------------------------------ running

tf.enableProdMode();
const results = options.from ? JSON.parse(readFileSync(options.from, 'utf8')) : await trained();
if (options.results) writeWhole(options.results, JSON.stringify(results));
console.log(tables(results));
await tf.setBackend('cpu');
writeWhole(join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs/annealing.svg'), picture(results));
