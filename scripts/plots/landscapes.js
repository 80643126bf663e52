// The landscape of each loss that describes itself, for docs/losses: its value and its gradient against p.
//
// Uniform: 16 pixels of one class that all have the label t and the probability p, for t = 0, 0.3 and 1, or for t = 0
// and 1 where a loss takes hard labels only. The gradient is the derivative with respect to the p that they share.
// Square: an image of 8×8 pixels with a structure of 4×4, for losses that look at shapes. p is the probability of the
// structure's pixels (t = 1) or of all other pixels (t = 0), while the rest is predicted as labelled.
import * as Plot from '@observablehq/plot';
import * as tf from '@tensorflow/tfjs';
import * as softseg from 'softseg';
import { figure, heading, legend, lineSample, panel, ringSample } from './figure.js';
import { steps } from './steps.js';
import { GREY, LINES, LINE_WIDTH, RING } from './theme.js';
import { writePictures } from './writePictures.js';

const SOFT = [0, 0.3, 1];
const HARD = [0, 1];

/** Losses that are drawn with other options, or on other pixels, than their defaults on 16 equal pixels. */
const SPECIAL = {
  tverskyLoss: [{ alpha: 0.3, beta: 0.7 }, uniform(SOFT)],
  lovaszHingeLoss: [{}, uniform(HARD, 'logit')],
  boundaryLoss: [{}, square()],
  hausdorffLoss: [{}, square()],
  clDiceLoss: [{ iterations: 3 }, square()],
};
const VARIANTS = [
  ['iouLoss-product', 'iouLoss', { overlap: 'product' }, uniform(SOFT)],
  ['diceLoss-product', 'diceLoss', { overlap: 'product' }, uniform(SOFT)],
  ['diceLoss-squared', 'diceLoss', { squared: true }, uniform(SOFT)],
  ['diceLoss-log', 'diceLoss', { log: true }, uniform(SOFT)],
  ['tverskyLoss-focal', 'tverskyLoss', { alpha: 0.3, beta: 0.7, gamma: 0.75 }, uniform(SOFT)],
  ['crossEntropyLoss-subtractEntropy', 'crossEntropyLoss', { subtractEntropy: true }, uniform(SOFT)],
];
/** One picture each: the file's name, the loss, its options, and the labels and predictions. */
const LANDSCAPES = [
  ...Object.keys(softseg)
    .filter((name) => softseg[name].description)
    .map((name) => [name, name, ...(SPECIAL[name] ?? [{}, uniform(SOFT)])]),
  ...VARIANTS,
];

/** The curves are computed at even steps, near the ends, and on both sides of places where they may jump. */
const POINTS = {
  p: [0.001, ...steps(0.01, 0.99, 98), 0.999, 0.2999, 0.3001, 0.4999, 0.5001],
  logit: [...steps(-4, 4, 80), -1.001, -0.999, 0.999, 1.001],
};
const CURVES = { 0: LINES[0], 0.3: LINES[1], 1: LINES[2] };
const [WIDTH, HEIGHT] = [700, 312];
const PANEL = { width: 352, height: 248, margins: [26, 20, 46, 46] };
/** No panel shows more than this, because logarithms and their slopes have no bounds. */
const LIMITS = { value: [-6, 4], gradient: [-6, 6] };

function uniform(levels, input = 'p') {
  const curve = (t) => ({ labels: tf.fill([1, 4, 4, 1], t), predictions: (p) => tf.mul(p, tf.ones([1, 4, 4, 1])) });
  return { levels, input, curve, setting: `16 pixels of label t that all have the same ${input}` };
}

function square() {
  const curve = (t) => {
    const structure = tf.pad(tf.ones([1, 4, 4, 1]), [[0, 0], [2, 2], [2, 2], [0, 0]]); // prettier-ignore
    const free = t === 1 ? structure : tf.sub(1, structure);
    const fixed = t === 1 ? tf.zerosLike(structure) : structure;
    return { labels: structure, predictions: (p) => tf.add(fixed, tf.mul(free, p)) };
  };
  const setting =
    '8×8 pixels with a square of 4×4: those of label t all have the same p, the others are predicted as labelled';
  return { levels: HARD, input: 'p', curve, setting };
}

/** For each label the loss and its derivative at points on (0, 1), or as logits on (-4, 4). */
function landscape([, name, options, { levels, input, curve }]) {
  const xs = [...POINTS[input]].sort((a, b) => a - b);
  const own = input === 'logit' ? options : { activation: 'none', ...options };
  return levels.map((t) =>
    tf.tidy(() => {
      const { labels, predictions } = curve(t);
      const of = tf.valueAndGrad((p) => softseg[name](labels, predictions(p), own));
      const points = xs.map((x) => {
        const { value, grad } = of(tf.scalar(x));
        return { x, value: value.dataSync()[0], gradient: grad.dataSync()[0] };
      });
      return { t, points };
    }),
  );
}

// ------------------------------------------------------------------------------------------------------ the picture

function picture([, name, options, { input, setting }], curves) {
  const call = Object.keys(options).length > 0 ? `${name}(labels, logits, ${showOptions(options)})` : name;
  const row = { x: PANEL.margins[3], y: HEIGHT - 14, step: 104, width: 34 };
  const samples = curves.map(({ t }) => ({ name: `t = ${t}`, sample: lineSample(CURVES[t], row.width) }));
  const ringRow = { ...row, x: row.x + row.step * samples.length, width: 8 };
  const ring = ringSample({ stroke: GREY }, ringRow.width);
  return figure({
    title: `${call}: value and gradient against ${input}`,
    width: WIDTH,
    height: HEIGHT,
    marks: [
      ...heading(call, setting),
      ...legend(samples, row),
      ...(curves.some(hasOneMinimum) ? legend([{ name: 'the smallest value', sample: ring }], ringRow) : []),
    ],
    panels: ['value', 'gradient'].map((quantity, i) => [
      i * (WIDTH - PANEL.width),
      40,
      panelOf(curves, quantity, input),
    ]),
  });
}

const showOptions = (options) => {
  const entries = Object.entries(options).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `{ ${entries.join(', ').replaceAll('"', "'")} }`;
};

function panelOf(curves, quantity, input) {
  const [low, high] = rangeOf(curves, quantity);
  // Only curves that leave the panel are clipped, because a clip halves the width of a curve that runs along its edge.
  const leaves = (points) => points.some((point) => point[quantity] < low - 0.01 || point[quantity] > high + 0.01);
  const lines = curves.map(({ t, points }) =>
    Plot.line(points, { x: 'x', y: quantity, ...CURVES[t], strokeWidth: LINE_WIDTH, clip: leaves(points) }),
  );
  const rings = curves
    .filter(hasOneMinimum)
    .map(({ t, points }) =>
      Plot.dot(points, Plot.selectMinY({ x: 'x', y: 'value', ...RING, stroke: CURVES[t].stroke })),
    );
  return panel({
    ...PANEL,
    caption: quantity === 'value' ? 'value' : `gradient, d value / d ${input}`,
    x: { domain: input === 'p' ? [0, 1] : [-4, 4], ticks: 5, label: input },
    y: { domain: [low, high], nice: 5, ticks: 5 },
    zero: true,
    marks: [...lines, ...(quantity === 'value' ? rings : [])],
  });
}

/** False where the loss has its smallest value over a whole range. */
function hasOneMinimum({ points }) {
  const smallest = points.reduce((best, { value }) => (value < best ? value : best), Infinity);
  const equal = points.filter(({ value }) => value - smallest < 1e-6);
  return Math.abs(equal.at(-1).x - equal[0].x) <= 0.05;
}

/** The values to show, with 0 among them and without rounding errors, for which an axis would get one more tick. */
function rangeOf(curves, quantity) {
  const values = curves.flatMap(({ points }) => points.map((point) => point[quantity]));
  const [low, high] = LIMITS[quantity];
  const range = [Math.max(low, Math.min(0, ...values)), Math.min(high, Math.max(0, ...values))];
  return range.map((value) => Number(value.toFixed(3)));
}

export function drawLandscapes(options) {
  const pictures = new Map(LANDSCAPES.map((row) => [`${row[0]}.svg`, picture(row, landscape(row))]));
  writePictures('docs/losses', pictures, options);
}
