/** A volume that goes through the network in tiles, with the loss and gradients of the whole, in little memory. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { softOneHot } from 'softseg';
import { evaluateScores, MeanDice } from 'softseg/metrics';
import {
  cosineSchedule,
  learningRateSchedule,
  minimizePieces,
  namedLoss,
  predictTiles,
  tiles,
  withSeed,
} from 'softseg/training';
import { ProgressLine } from 'softseg/node';
import { classColour } from './shared/colours.js';
import { phantom } from './shared/phantom.js';
import { classTile, greyTile, writePicture } from './shared/pictures.js';
import { printLosses, printScores } from './shared/report.js';
import { start } from './shared/start.js';

const { quick, out } = await start('volume', { wasm: 'a minute per step, mostly for 3-D convolutions: try --quick' });
const [side, steps, filters] = quick ? [32, 4, [4, 4]] : [96, 60, [8, 8, 8]];
const CLASSES = ['background', 'ellipsoids', 'tubes'];

// Class indices [1, D, H, W] are never expanded, and take a third of the memory of one-hot labels.
const [train, test] = [phantom(side, 1), phantom(side, 2)];

// The network takes input of any size. It has one convolution more than `filters`, and each sees one voxel further.
const model = withSeed(1, () => {
  const input = tf.input({ shape: [null, null, null, 1] });
  const convolve = (x: tf.SymbolicTensor, units: number, activation?: 'elu') =>
    tf.layers
      .conv3d({ filters: units, kernelSize: 3, padding: 'same', activation, kernelInitializer: 'heNormal' })
      .apply(x) as tf.SymbolicTensor;
  const features = filters.reduce((x, units) => convolve(x, units, 'elu'), input);
  return tf.model({ inputs: input, outputs: convolve(features, CLASSES.length) });
});

// Half of the overlap is context on each side of a tile's core. It is as wide as the network sees, so the tiles
// together give the same loss and the same gradients as the whole volume.
const cut = { size: quick ? 19 : 38, overlap: 2 * (filters.length + 1) };
const pieces = tiles(train, cut);

// Tubes are a hundredth of the voxels, and most tiles have few of them. Dice of the whole volume gives each class the
// same weight, which a mean over tiles would not; cross-entropy gives gradients at the start.
const loss = namedLoss('comboLoss', { weights: { dice: 1, crossEntropy: 1 } });
const optimizer = tf.train.adam();
const rate = learningRateSchedule(optimizer, cosineSchedule({ from: 1e-2, to: 0, steps }), { by: 'step' });
const progress = new ProgressLine();
const losses: number[] = [];
for (let step = 0; step < steps; step++) {
  rate.at(step);
  const value = minimizePieces(optimizer, loss, model, pieces);
  losses.push((await value.data())[0]!);
  value.dispose();
  progress.update(`${pieces.length} tiles per step`, (step + 1) / steps, `loss ${losses.at(-1)!.toFixed(3)}`);
}
progress.done();
printLosses(losses);

const inTiles = { predict: (xs: tf.Tensor) => predictTiles(model, xs, cut) };
const dice = new MeanDice({ hard: true });
const scores = await evaluateScores(inTiles, test, { 'mean Dice': dice });
const rows = [
  ...CLASSES.map((name, c) => [`Dice, ${name}`, dice.perClass()[c]!] as [string, number]),
  ...Object.entries(scores),
];
printScores(['on another volume', 'value'], rows);

const slicesOf = (x: tf.Tensor, ...rest: number[]) => tf.reshape(x, [side, side, side, ...rest]);
const probabilities = slicesOf(softOneHot(inTiles.predict(test.xs)), 3);
const label = slicesOf(tf.oneHot(test.ys, 3), 3);
const colours = CLASSES.map((_, c) => classColour(c, CLASSES.length));
await writePicture(join(out, 'volume.png'), {
  titles: ['slice', 'label', 'prediction'],
  rows: [0.35, 0.65].map((share) => {
    const z = Math.round(share * side);
    return [greyTile(slicesOf(test.xs), z), classTile(label, z, colours), classTile(probabilities, z, colours)];
  }),
  legend: CLASSES.map((name, c) => [name, colours[c]!]),
});
