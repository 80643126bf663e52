/** Exclusive classes: background, grey and white matter, in a run that can be stopped and resumed. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { softOneHot } from 'softseg';
import { ConfusionMatrix, evaluateScores, MeanIou, validationScores } from 'softseg/metrics';
import { epochBatches, namedLoss } from 'softseg/training';
import { checkpoints, latestCheckpoint, trainingProgress } from 'softseg/node';
import { classColour } from './shared/colours.js';
import { say } from './shared/output.js';
import { classTile, greyTile, heatTile, writePicture } from './shared/pictures.js';
import { printLosses, printScores } from './shared/report.js';
import { brainSlices } from './shared/slices.js';
import { start } from './shared/start.js';
import { unet } from './shared/unet.js';

const { quick, out } = await start('multiclass');
const [epochs, levels] = quick ? [4, [4, 8]] : [80, [8, 16, 32, 64]];
const CLASSES = ['background', 'grey matter', 'white matter'];

// Probabilities of the three classes, which sum to 1.
const { train, validation, test } = brainSlices({ quick });

const makeModel = () => {
  const [, height, width] = train.xs.shape;
  const model = unet({ height, width, channels: 1, classes: CLASSES.length, levels }, 1);
  // Dice gives classes of any size the same weight, and cross-entropy calibrates the probabilities; both are smallest
  // at p = t. The sums run over the batch, so that a slice with little white matter has little weight for that class.
  // A namedLoss is saved with the model.
  const loss = namedLoss('comboLoss', { weights: { dice: 1, crossEntropy: 1 }, aggregate: 'batch' });
  model.compile({ optimizer: tf.train.adam(2e-3), loss });
  return model;
};

const folder = join(out, quick ? 'multiclass-quick' : 'multiclass');
const saved = await latestCheckpoint(folder);
const model = saved ? (await saved.load()).model : makeModel();
const initialEpoch = saved ? saved.epoch + 1 : 0;
if (saved) say(`continues after epoch ${initialEpoch} of ${epochs}, from ${saved.folder}`);

// Each epoch has its own order, even if the run was stopped before it.
const batches = epochBatches(train, { batchSize: 4, seed: 1, initialEpoch });
const { history } = await model.fitDataset(batches, {
  epochs,
  initialEpoch,
  verbose: 0,
  callbacks: [
    validationScores(model, validation, { iou: new MeanIou() }),
    checkpoints(model, folder), // after each epoch, with everything that the next one needs
    trainingProgress(),
  ],
});

const scores = await evaluateScores(model, test, {
  'soft IoU': new MeanIou(),
  'soft IoU without background': new MeanIou({ classes: [1, 2] }),
  'IoU of the most likely class': new MeanIou({ hard: true }),
});
const losses = (history['loss'] ?? []) as number[];
if (losses.length > 0) printLosses(losses);
printScores(['on the test slices', 'value'], Object.entries(scores));
const matrix = new ConfusionMatrix({ classNames: CLASSES });
await evaluateScores(model, test, { matrix });
say(...matrix.toText().split('\n'));

const predicted = softOneHot(model.predict(test.xs) as tf.Tensor);
const error = tf.tidy(() => tf.div(tf.sum(tf.abs(tf.sub(predicted, test.ys)), -1), 2));
const colours = CLASSES.map((_, c) => classColour(c, CLASSES.length));
await writePicture(join(out, 'multiclass.png'), {
  titles: ['T1', 'soft label', 'prediction', '|p - t|, 0 to 0.5'],
  rows: (quick ? [1, 3] : [8]).map((i) => [
    greyTile(test.xs, i),
    classTile(test.ys, i, colours),
    classTile(predicted, i, colours),
    heatTile(error, i, 0.5),
  ]),
  legend: CLASSES.map((name, c) => [name, colours[c]!]),
});
