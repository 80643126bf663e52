/**
 * Each loss in turn trains a network of one 1×1 convolution on one image, which must end at the labels: at their mask
 * if they are hard, at p = t if they are soft and the loss is proper. The features can tell the structures apart (they
 * are the coordinates up to the second power), so any failure is the loss's.
 */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import { cosineSchedule } from '../../src/training/index.js';
import { descriptionNamed, REGION_LOSSES } from '../support/described.js';
import type { Loss } from '../support/oracle.js';

/** One class, three exclusive classes, or three classes that overlap. */
type Task = 'one' | 'exclusive' | 'overlapping';

interface Row {
  loss: keyof typeof softseg;
  options?: object;
  /** The call, if it differs from that of the others. */
  call?: Loss;
  /** A loss that is added to this one. */
  beside?: keyof typeof softseg;
  /** Proper losses are also trained on soft labels. */
  labels: 'hard' | 'proper';
  /** The largest allowed mean distance from p = t over pixels. Default: 0.005. */
  within?: number;
  /** The number of training steps. Default: 100. */
  steps?: number;
  /** Default: 'one' and 'exclusive'. */
  tasks?: readonly Task[];
}

/** The rows of losses that need settings of their own. */
const SPECIAL: Row[] = [
  { loss: 'iouLoss', labels: 'proper' },
  { loss: 'iouLoss', options: { overlap: 'product' }, labels: 'hard' },
  { loss: 'iouLoss', options: { aggregate: 'batch', smooth: 1 }, labels: 'proper', tasks: ['one', 'overlapping'] },
  { loss: 'diceLoss', labels: 'proper' },
  { loss: 'diceLoss', options: { overlap: 'product' }, labels: 'hard' },
  { loss: 'diceLoss', options: { squared: true }, labels: 'proper', steps: 200 },
  { loss: 'diceLoss', options: { log: true }, labels: 'proper' },
  { loss: 'tverskyLoss', options: { alpha: 0.3, beta: 0.7 }, labels: 'proper' },
  { loss: 'tverskyLoss', options: { alpha: 0.3, beta: 0.7, gamma: 0.75 }, labels: 'proper' },
  { loss: 'generalizedDiceLoss', labels: 'proper' },
  { loss: 'logCoshDiceLoss', labels: 'proper' },
  { loss: 'mccLoss', labels: 'proper', steps: 200 },
  // The loss is flat near p = t, where its slope falls with the square of the distance.
  { loss: 'focalLoss', labels: 'proper', within: 0.03, steps: 200, tasks: ['one', 'exclusive', 'overlapping'] },
  { loss: 'unifiedFocalLoss', labels: 'proper' },
  { loss: 'lovaszHingeLoss', labels: 'hard', tasks: ['one'] },
  { loss: 'lovaszSoftmaxLoss', labels: 'hard' },
  { loss: 'hausdorffLoss', labels: 'hard', steps: 200 },
  // These two constrain too little alone, and their papers add them to a region loss.
  { loss: 'boundaryLoss', beside: 'diceLoss', labels: 'hard' },
  { loss: 'clDiceLoss', options: { iterations: 2 }, beside: 'crossEntropyLoss', labels: 'hard', tasks: ['one'] },
  // The second output is the first at half the size.
  {
    loss: 'deepSupervisionLoss',
    call: (t, z) => softseg.deepSupervisionLoss(softseg.comboLoss, t, [z, halved(z)]),
    labels: 'hard',
  },
  { loss: 'crossEntropyLoss', labels: 'proper', tasks: ['one', 'exclusive', 'overlapping'] },
  { loss: 'binaryCrossEntropyLoss', labels: 'proper', tasks: ['one', 'overlapping'] },
  { loss: 'comboLoss', labels: 'proper' },
  {
    loss: 'comboLoss',
    options: { weights: { dice: 1, binaryCrossEntropy: 1 } },
    labels: 'proper',
    tasks: ['one', 'overlapping'],
  },
];

/** Each loss has at least one row here. */
const ROWS: Row[] = [
  ...SPECIAL,
  ...REGION_LOSSES.filter((name) => !SPECIAL.some(({ loss }) => loss === name)).map((loss): Row => {
    return { loss, labels: descriptionNamed(loss).lowestAtLabels() ? 'proper' : 'hard', steps: 200 };
  }),
];

const SIZE = 8;

/** For each pixel: 1, x, y, x², y² and xy, with coordinates from -1 to 1. */
const FEATURES = Array.from({ length: SIZE * SIZE }, (_, i) => {
  const x = (2 * (i % SIZE)) / (SIZE - 1) - 1;
  const y = (2 * Math.floor(i / SIZE)) / (SIZE - 1) - 1;
  return [1, x, y, x * x, y * y, x * y];
});

/** Logits of a blob around (x, y) with a radius of about r. */
const blob = (x: number, y: number, r: number) => (pixel: number[]) =>
  4 * (r * r - (pixel[1]! - x) ** 2 - (pixel[2]! - y) ** 2);

/** No pixel is close enough to a border for its class to be in doubt: the logits differ by at least 0.2. */
const TRUTH: Record<Task, ((pixel: number[]) => number)[]> = {
  one: [blob(-0.15, -0.15, 0.75)],
  exclusive: [() => 0, blob(-0.4, -0.15, 0.5), blob(0.4, -0.15, 0.5)],
  overlapping: [blob(0, 0, 0.8), blob(-0.2, 0, 0.6), blob(0.3, 0.15, 0.65)],
};

const activate = (task: Task, logits: tf.Tensor) => (task === 'exclusive' ? tf.softmax(logits) : tf.sigmoid(logits));

function harden(task: Task, p: tf.Tensor): tf.Tensor {
  if (task !== 'exclusive') return tf.cast(tf.greater(p, 0.5), 'float32');
  return tf.cast(tf.oneHot(tf.argMax(p, -1), p.shape.at(-1)!), 'float32');
}

/** Labels of shape [1, SIZE, SIZE, classes]. */
function labelsOf(task: Task, soft: boolean): tf.Tensor {
  const logits = tf.tensor(FEATURES.map((pixel) => TRUTH[task].map((f) => f(pixel))));
  const t = activate(task, tf.reshape(logits, [1, SIZE, SIZE, TRUTH[task].length]));
  return soft ? t : harden(task, t);
}

/** The probabilities after training. */
function train(loss: Loss, options: object, labels: tf.Tensor, task: Task, steps: number): tf.Tensor {
  const features = tf.tensor2d(FEATURES);
  const kernel = tf.variable(tf.zeros<tf.Rank.R2>([FEATURES[0]!.length, labels.shape.at(-1)!]));
  const logits = () => tf.reshape(tf.matMul(features, kernel), labels.shape);
  const rate = cosineSchedule({ from: 0.5, to: 0.005, steps });
  const optimizer = tf.train.adam(rate(0));
  for (let step = 0; step < steps; step++) {
    Object.assign(optimizer, { learningRate: rate(step) });
    optimizer.minimize(() => loss(labels, logits(), options) as tf.Scalar, false, [kernel]);
  }
  const p = activate(task, logits());
  kernel.dispose();
  optimizer.dispose();
  return p;
}

/** The row's loss, plus the loss added to it if there is one. */
function lossOf({ loss, call, beside }: Row): Loss {
  const first = call ?? (softseg[loss] as Loss);
  const second = beside && (softseg[beside] as Loss);
  return (t, z, options) => (second ? tf.add(first(t, z, options), second(t, z)) : first(t, z, options));
}

/** The means over blocks of 2×2 pixels. */
function halved(z: tf.Tensor): tf.Tensor {
  const half = SIZE / 2;
  return tf.mean(tf.reshape(z, [1, half, 2, half, 2, z.shape.at(-1)!]), [2, 4]);
}

const CASES = ROWS.flatMap((row) =>
  (row.tasks ?? ['one', 'exclusive']).flatMap((task) =>
    (row.labels === 'proper' ? (['hard', 'soft'] as const) : (['hard'] as const)).map((kind) => {
      const options = task === 'overlapping' ? { activation: 'sigmoid', ...row.options } : { ...row.options };
      return { within: 0.005, steps: 100, ...row, task, kind, options };
    }),
  ),
);

test.each(CASES)('$loss $options, trained on $kind labels ($task), ends at the labels', (row) => {
  const { options, task, kind, within, steps } = row;
  const t = labelsOf(task, kind === 'soft');
  const p = train(lossOf(row), options, t, task, steps);
  const mistakes = tf.sum(tf.abs(tf.sub(harden(task, p), harden(task, t)))).dataSync()[0];
  const off = tf.mean(tf.abs(tf.sub(p, t))).dataSync()[0];
  if (kind === 'hard') expect(mistakes).toBe(0);
  else expect(off).toBeLessThan(within);
});

test('every loss is trained', () => {
  const losses = Object.keys(softseg).filter((name) => /^(?!define|named).*Loss$/.test(name));
  expect(losses.filter((name) => !ROWS.some(({ loss }) => loss === name))).toEqual([]);
});
