/** One structure, brain tissue against the rest: model.fit, early stopping, and the weights of the best epoch. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { comboLoss, softThreshold } from 'softseg';
import { evaluateScores, MeanBrier, MeanDice, MeanIou, validationScores } from 'softseg/metrics';
import { cosineSchedule, earlyStopping, learningRateSchedule, seedEpochs } from 'softseg/training';
import { trainingProgress } from 'softseg/node';
import { classTile, greyTile, heatTile, writePicture } from './shared/pictures.js';
import { printLosses, printScores } from './shared/report.js';
import { brainSlices, type Slices } from './shared/slices.js';
import { start } from './shared/start.js';
import { unet } from './shared/unet.js';

const { quick, out } = await start('binary');
const [epochs, levels] = quick ? [3, [4, 8]] : [80, [8, 16, 32, 64]];

// The label of a pixel is the share of it that is grey or white matter: soft, one channel.
const tissue = ({ xs, ys }: Slices) => ({ xs, ys: tf.tidy(() => tf.sum(tf.slice(ys, [0, 0, 0, 1]), -1, true)) });
const slices = brainSlices({ quick });
const [train, validation, test] = [tissue(slices.train), tissue(slices.validation), tissue(slices.test)];

const [, height, width] = train.xs.shape;
const model = unet({ height, width, channels: 1, classes: 1, levels }, 1);
const optimizer = tf.train.adam();
// comboLoss is IoU + cross-entropy, with a sigmoid because there is one class. The IoU does not depend on how much
// background there is around the brain, and the cross-entropy gives every pixel a gradient from the first step on.
model.compile({ optimizer, loss: comboLoss });

const steps = epochs * Math.ceil(train.xs.shape[0] / 4);
const stopping = earlyStopping(model, { monitor: 'val_iou', mode: 'max', patience: 8 });
const { history } = await model.fit(train.xs, train.ys, {
  epochs,
  batchSize: 4,
  verbose: 0,
  callbacks: [
    seedEpochs(1), // fit shuffles in the same way in every run
    learningRateSchedule(optimizer, cosineSchedule({ from: 2e-3, to: 0, steps }), { by: 'step' }),
    validationScores(model, validation, { iou: new MeanIou() }), // soft IoU; before the callbacks that read it
    stopping, // restores the best weights at the end
    trainingProgress({ epochs }),
  ],
});

const scores = await evaluateScores(model, test, {
  'soft IoU': new MeanIou(),
  'IoU above 1/2': new MeanIou({ hard: true }),
  'Dice above 1/2': new MeanDice({ hard: true }),
  Brier: new MeanBrier(),
});
printLosses(history['loss'] as number[]);
printScores([`on the test slices, epoch ${stopping.bestEpoch! + 1}`, 'value'], Object.entries(scores));

const predicted = softThreshold(model.predict(test.xs) as tf.Tensor);
const error = tf.sub(predicted, test.ys);
await writePicture(join(out, 'binary.png'), {
  titles: ['T1', 'soft label', 'prediction', '|p - t|, 0 to 0.5'],
  rows: (quick ? [1, 3] : [2, 8, 14]).map((i) => [
    greyTile(test.xs, i),
    classTile(test.ys, i, [[255, 255, 255]]),
    classTile(predicted, i, [[255, 255, 255]]),
    heatTile(error, i, 0.5),
  ]),
});
