// Measures the cost of value checks. Needs the built package (npm run build). See README.md here.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { checkValues, comboLoss, enableWasmTraining } from 'softseg';
import { MeanIou } from 'softseg/metrics';
import { load } from 'softseg/node';
import { commandLine, oneOf } from '../scripts/options.js';
import { terminalTable } from '../scripts/table.js';
import { BACKENDS } from './cases.js';

const [SAMPLES, SIZE] = [4, 128];
const CLASSES = [1, 4, 21];
const STEPS = 100;

/** A small U-Net: two levels of 8 and 16 filters. */
function network(classes) {
  const conv = (filters, x, activation = 'relu') =>
    tf.layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation }).apply(x);
  const input = tf.input({ shape: [SIZE, SIZE, 1] });
  const fine = conv(8, input);
  const coarse = conv(16, tf.layers.maxPooling2d({ poolSize: 2 }).apply(fine));
  const up = tf.layers.upSampling2d({ size: [2, 2] }).apply(coarse);
  const joined = conv(8, tf.layers.concatenate().apply([up, fine]));
  return tf.model({ inputs: input, outputs: conv(classes, joined, 'linear') });
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** The medians of interleaved runs, in milliseconds. */
function medians(runs, rounds) {
  const times = runs.map(() => []);
  for (let round = -1; round < rounds; round++) {
    runs.forEach((run, i) => {
      run.before?.();
      const start = performance.now();
      tf.tidy(() => void run.run());
      if (round >= 0) times[i].push(performance.now() - start);
    });
  }
  return times.map(median);
}

/** The cells of one row. */
function measure(classes, name) {
  const shape = [SAMPLES, SIZE, SIZE, classes];
  const logits = tf.randomNormal(shape);
  const labels = tf.tidy(() => (classes > 1 ? tf.softmax(tf.randomNormal(shape)) : tf.randomUniform(shape)));
  const xs = tf.randomNormal([SAMPLES, SIZE, SIZE, 1]);
  const gradient = () =>
    tf
      .grad((z) => comboLoss(labels, z))(logits)
      .dataSync();
  const update = () => new MeanIou({ hard: true }).update(labels, logits);
  const rounds = name === 'cpu' ? 9 : 21;
  const [off, first, later, updateOff, updateOn] = medians(
    [
      { run: gradient, before: () => checkValues('never') },
      { run: gradient, before: () => checkValues('first') },
      { run: gradient },
      { run: update, before: () => checkValues('never') },
      { run: update, before: () => checkValues('first') },
    ],
    rounds,
  );
  const model = network(classes);
  const optimizer = tf.train.sgd(1e-3);
  const step = () => optimizer.minimize(() => comboLoss(labels, model.apply(xs, { training: true })));
  // On cpu a step of the network takes a minute: there a step is the loss and its gradient alone.
  const whole = name === 'cpu' ? off : medians([{ run: step }], 5)[0];
  const check = first - off;
  const ms = (value) => value.toFixed(value < 10 ? 2 : 1);
  tf.dispose([logits, labels, xs, model.trainableWeights.map((weight) => weight.read())]);
  return [
    name,
    String(classes),
    ms(off),
    ms(later),
    ms(check),
    ((check * 1e6) / (2 * logits.size)).toFixed(1),
    ms(whole),
    `${((100 * check) / (STEPS * whole)).toFixed(2)} %`,
    ms(updateOff),
    ms(updateOn),
  ];
}

/** One backend, in a process of its own. */
function rowsOf(backend) {
  const args = [fileURLToPath(import.meta.url), '--only', backend];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

const { backend: backends, only } = commandLine({
  usage: 'node bench/valueChecks.js [options]',
  about: 'Prints what the checks of the values of labels and predictions cost.',
  options: {
    backend: { value: 'LIST', list: true, parse: oneOf(BACKENDS), default: BACKENDS, about: 'the backends to measure' },
    only: {
      value: 'NAME',
      parse: oneOf(BACKENDS),
      about: 'measure one backend in this process, and print rows as JSON',
    },
  },
});
if (only) {
  await load(only);
  enableWasmTraining();
  console.log(JSON.stringify(CLASSES.map((classes) => measure(classes, only))));
} else {
  const shape = `[${SAMPLES},${SIZE},${SIZE},C]`;
  console.log(`comboLoss of ${shape} in float32, in ms. A step is one of a small U-Net; on cpu, of the loss alone.\n`);
  const head = [
    'backend',
    'C',
    'off',
    'later',
    'check',
    'ns/value',
    'step',
    'of 100 steps',
    'update, off',
    'update, on',
  ];
  console.log(terminalTable(head, backends.flatMap(rowsOf)));
}
