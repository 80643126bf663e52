/** Structures that overlap: tissue, the white matter in it, and its left half. Trained in a loop, without fit. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { comboLoss, softThreshold } from 'softseg';
import { evaluateScores, MeanIou } from 'softseg/metrics';
import { cosineSchedule, epochBatches, learningRateSchedule, warmup } from 'softseg/training';
import { trainingProgress } from 'softseg/node';
import type { Colour } from './shared/colours.js';
import { classTile, greyTile, writePicture } from './shared/pictures.js';
import { printLosses, printScores } from './shared/report.js';
import { brainSlices, type Slices } from './shared/slices.js';
import { start } from './shared/start.js';
import { unet } from './shared/unet.js';

const { quick, out } = await start('multilabel');
const [epochs, levels] = quick ? [3, [4, 8]] : [120, [8, 16, 32, 64]];
const STRUCTURES = ['tissue', 'white matter', 'left half'];

// A pixel may belong to several structures, so their labels need not sum to 1. The brain is symmetric, and a network of
// convolutions can tell left from right only near the borders, so it gets the column as a second channel.
const structures = ({ xs, ys }: Slices) =>
  tf.tidy(() => {
    const column: tf.Tensor4D = tf.add(tf.zerosLike(xs), tf.reshape(tf.linspace(-1, 1, xs.shape[2]), [1, 1, -1, 1]));
    const [, grey, white] = tf.split(ys, 3, -1) as [tf.Tensor, tf.Tensor4D, tf.Tensor4D];
    const tissue = tf.add(grey, white);
    const left = tf.mul(tissue, tf.cast(tf.less(column, 0), 'float32'));
    return { xs: tf.concat4d([xs, column], -1), ys: tf.concat([tissue, white, left], -1) };
  });
const slices = brainSlices({ quick });
const [train, validation, test] = [structures(slices.train), structures(slices.validation), structures(slices.test)];

// Each structure has a sigmoid, which answers a yes-or-no question. Dice gives small structures the same weight as
// large ones. White matter that is predicted in a slice without any has a cost: absent 'penalize' is the default here.
const loss = (labels: tf.Tensor, logits: tf.Tensor) =>
  comboLoss(labels, logits, { activation: 'sigmoid', weights: { dice: 1, binaryCrossEntropy: 1 } });
const softIou = () => new MeanIou({ activation: 'sigmoid' });

const [, height, width] = train.xs.shape;
const model = unet({ height, width, channels: 2, classes: STRUCTURES.length, levels }, 1);
const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
const optimizer = tf.train.adam();
const batches = epochBatches(train, { batchSize: 4, seed: 1 });
const half = cosineSchedule({ from: 2e-3, to: 0, steps: epochs * batches.size });
const rate = learningRateSchedule(optimizer, warmup(half, { steps: 5, from: 2e-4 }), { by: 'step' });

const progress = trainingProgress({ epochs, batches: batches.size });
const losses: number[] = [];
for (let epoch = 0; epoch < epochs; epoch++) {
  let sum = 0;
  let batch = 0;
  for (const { xs, ys } of batches.epoch(epoch)) {
    rate.at(optimizer.iterations);
    const value = tf.tidy(() => optimizer.minimize(() => loss(ys, model.apply(xs) as tf.Tensor), true, weights)!);
    const [number] = await value.data();
    value.dispose();
    sum += number!;
    progress.onBatchEnd(batch++, { loss: number! });
  }
  losses.push(sum / batches.size);
  progress.onEpochEnd(epoch, await evaluateScores(model, validation, { iou: softIou() }));
}
progress.onTrainEnd();

const iou = softIou();
const scores = await evaluateScores(model, test, { mean: iou });
const rows = [
  ...STRUCTURES.map((name, c) => [name, iou.perClass()[c]!] as [string, number]),
  ...Object.entries(scores),
];
printLosses(losses);
printScores(['on the test slices', 'soft IoU'], rows);

const predicted = softThreshold(model.predict(test.xs) as tf.Tensor);
const image = tf.slice(test.xs, [0, 0, 0, 0], [-1, -1, -1, 1]);
const each = (x: tf.Tensor) => tf.split(x, STRUCTURES.length, -1);
const [labels, predictions] = [each(test.ys), each(predicted)];
const white: Colour[] = [[255, 255, 255]];
await writePicture(join(out, 'multilabel.png'), {
  titles: ['T1', ...STRUCTURES.flatMap((name) => [name, 'predicted'])],
  rows: (quick ? [1, 3] : [2, 8]).map((i) => [
    greyTile(image, i),
    ...STRUCTURES.flatMap((_, c) => [classTile(labels[c]!, i, white), classTile(predictions[c]!, i, white)]),
  ]),
});
