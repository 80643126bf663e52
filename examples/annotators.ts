/** Five raters who disagree, SIMULATED by a program from real maps: which labels and losses preserve disagreement? */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { binaryCrossEntropyLoss, disagreementEntropy, softLabelsFromMasks, softThreshold, staple } from 'softseg';
import { CalibrationError, evaluateScores, MeanBrier, MeanDice } from 'softseg/metrics';
import { cosineSchedule, learningRateSchedule, namedLoss, seedEpochs } from 'softseg/training';
import { trainingProgress } from 'softseg/node';
import type { Colour } from './shared/colours.js';
import { say } from './shared/output.js';
import { classTile, greyTile, heatTile, type Tile, writePicture } from './shared/pictures.js';
import { ABSENT, type Rater, simulateRaters } from './shared/raters.js';
import { printLosses, printScores } from './shared/report.js';
import { brainSlices, type Slices } from './shared/slices.js';
import { start } from './shared/start.js';
import { unet } from './shared/unet.js';

const { quick, out } = await start('annotators');
const [epochs, levels] = quick ? [2, [4, 8]] : [50, [8, 16, 32, 64]];

// They mark white matter, from generous to strict; the last one is careless and skips every third image.
const RATERS: Rater[] = [
  { threshold: 0.3, noise: 0.1 },
  { threshold: 0.4, noise: 0.1 },
  { threshold: 0.5, noise: 0.1 },
  { threshold: 0.6, noise: 0.1 },
  { threshold: 0.7, noise: 0.3, skips: 3 },
];
const rated = ({ xs, ys }: Slices, seed: number) => {
  const masks = tf.tidy(() => simulateRaters(tf.slice(ys, [0, 0, 0, 2]), RATERS, seed));
  return { xs, masks, soft: softLabelsFromMasks(masks, { absentLabel: ABSENT }) };
};
const slices = brainSlices({ quick });
const [train, test] = [rated(slices.train, 1), rated(slices.test, 2)];

const { consensus, sensitivity, specificity } = staple(train.masks, { absentLabel: ABSENT });
const drawing = RATERS.map(({ threshold }, a): [string, number, number] => {
  return [`${a + 1}, marks above ${threshold}`, sensitivity[a]!, specificity[a]!];
});
printScores(['simulated rater', 'sensitivity', 'specificity'], drawing);

// The runs differ in the labels (the majority as a hard mask, STAPLE's consensus, or the share of raters who marked the
// pixel) and in the loss. The product form of Dice is smallest at the rounded label, so the network becomes certain
// where the raters are not; the metric form (the default) and cross-entropy are smallest at the label itself.
const majority = tf.tidy(() => tf.cast(tf.greater(train.soft, 0.5), 'float32'));
const combined = namedLoss('comboLoss', { weights: { dice: 1, crossEntropy: 1 } });
const product = namedLoss('comboLoss', { ...combined.options, overlap: 'product' });
const contest = [
  { name: 'majority, Dice + CE', labels: majority, loss: combined },
  { name: 'STAPLE, Dice + CE', labels: consensus, loss: combined },
  { name: 'shares, Dice + CE', labels: train.soft, loss: combined },
  { name: 'shares, CE', labels: train.soft, loss: binaryCrossEntropyLoss },
  { name: 'shares, product Dice + CE', labels: train.soft, loss: product },
];

const [, height, width] = train.xs.shape;
const steps = epochs * Math.ceil(train.xs.shape[0] / 2);
const results: { name: string; scores: number[]; predicted: tf.Tensor }[] = [];
for (const { name, labels, loss } of contest) {
  const model = unet({ height, width, channels: 1, classes: 1, levels }, 1);
  const optimizer = tf.train.adam();
  model.compile({ optimizer, loss });
  say(name);
  const callbacks = [
    seedEpochs(1), // the same batches in all runs
    learningRateSchedule(optimizer, cosineSchedule({ from: 2e-3, to: 0, steps }), { by: 'step' }),
    trainingProgress(),
  ];
  const { history } = await model.fit(train.xs, labels, { epochs, batchSize: 2, verbose: 0, callbacks });
  printLosses(history['loss'] as number[]);
  const accumulators = { dice: new MeanDice(), brier: new MeanBrier(), calibration: new CalibrationError() };
  const scores = Object.values(await evaluateScores(model, { xs: test.xs, ys: test.soft }, accumulators));
  results.push({ name, scores, predicted: softThreshold(model.predict(test.xs) as tf.Tensor) });
  model.dispose();
}
const rows = results.map(({ name, scores }): [string, ...number[]] => [name, ...scores]);
printScores(['compared with the shares on the test slices', 'soft Dice', 'Brier', 'calibration'], rows);
say('  Brier and calibration error: lower is better');

const disagreement = disagreementEntropy(test.soft, { binary: true, normalize: true });
const rater = (a: number) => tf.tidy(() => tf.relu(tf.squeeze(tf.slice(test.masks, a, 1), [0])));
const white: Colour[] = [[255, 255, 255]];
const columns: [string, (i: number) => Tile][] = [
  ['T1', (i) => greyTile(test.xs, i)],
  ['rater 1', (i) => classTile(rater(0), i, white)],
  ['rater 5', (i) => classTile(rater(4), i, white)],
  ['share of raters', (i) => classTile(test.soft, i, white)],
  ['disagreement', (i) => heatTile(disagreement, i, 1)],
  ['majority', (i) => classTile(results[0]!.predicted, i, white)],
  ['shares', (i) => classTile(results[2]!.predicted, i, white)],
  ['product Dice + CE', (i) => classTile(results[4]!.predicted, i, white)],
];
await writePicture(join(out, 'annotators.png'), {
  titles: columns.map(([title]) => title),
  rows: (quick ? [1] : [7, 13]).map((i) => columns.map(([, tile]) => tile(i))),
});
