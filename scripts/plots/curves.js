// The curves of the guide, for docs/guide: values and gradients of the relaxations, computed by softseg's own
// functions.
import * as Plot from '@observablehq/plot';
import * as tf from '@tensorflow/tfjs';
import { diceLoss, entmax15, powerSharpen, softOneHot, softThreshold, sparsemax } from 'softseg';
import { figure, heading, panel, powerOfTen } from './figure.js';
import { steps } from './steps.js';
import { LINES, LINE_WIDTH, RING } from './theme.js';
import { writePictures } from './writePictures.js';

const VALUES = [0.1304, 0.5134, 0.7426, 0.7159, 0.5705];
const LABEL = 0.3;

const [WIDTH, HEIGHT] = [392, 314];
const PANEL = { width: 392, height: 274, margins: [26, 92, 46, 48] };
/** The smallest distance between the names of two curves. */
const NAME_HEIGHT = 15;

/** The curve of each of VALUES over the exponents p. */
function perValue(sharpened) {
  const powers = steps(1, 19, 180);
  const rows = powers.map((p) => tf.tidy(() => sharpened(tf.tensor1d(VALUES), p).dataSync()));
  return VALUES.map((value, i) => ({
    name: String(value),
    ...LINES[i],
    points: powers.map((p, row) => ({ x: p, y: rows[row][i] })),
  }));
}

/** y = f(x) at each x. */
function along(xs, f) {
  const ys = tf.tidy(() => f(tf.tensor1d(xs)).dataSync());
  return xs.map((x, i) => ({ x, y: ys[i] }));
}

/** The slope of an elementwise f. */
const slope = (f) => tf.grad((z) => f(z));

/** The first of two classes whose logits are z and 0. */
const first = (activation) => (z) => {
  const logits = tf.mul(tf.expandDims(z, 1), tf.tensor2d([[1, 0]]));
  return tf.squeeze(tf.slice(activation(logits), [0, 0], [-1, 1]), [1]);
};

/** Dice of 16 pixels with the label LABEL that all have the probability p. */
function dice(options) {
  return steps(0, 1, 200).map((p) => {
    const y = tf.tidy(() => {
      const labels = tf.fill([1, 4, 4, 1], LABEL);
      return diceLoss(labels, tf.fill([1, 4, 4, 1], p), { activation: 'none', ...options }).dataSync()[0];
    });
    return { x: p, y };
  });
}

function charts() {
  const z = steps(-4, 4, 320);
  const power = { x: { label: 'p', domain: [1, 19], ticks: [1, 4, 7, 10, 13, 16, 19] } };
  const share = { caption: 'value', y: { domain: [0, 1], ticks: 5 } };
  const logit = { x: { label: 'z', domain: [-4, 4], ticks: 5 } };
  const slopes = {
    caption: 'slope, d value / d z',
    y: { type: 'log', domain: [1e-8, 10], ticks: 5, tickFormat: powerOfTen },
  };
  const sparse = [
    ['softmax', softOneHot],
    ['entmax15', entmax15],
    ['sparsemax', sparsemax],
  ];
  const alphas = [1, 2, 4, 8];
  return {
    'sharpness.svg': {
      title: 'softmax(p·values)',
      setting: 'five classes with the values at the right',
      ...power,
      ...share,
      curves: perValue((values, p) => softOneHot(values, { sharpness: p })),
    },
    'power.svg': {
      title: 'powerSharpen(values, p)',
      setting: 'the largest: 1 - (1 - v)^p, the others: v^p',
      ...power,
      ...share,
      curves: perValue((values, p) => powerSharpen(values, p)),
    },
    'sharpness-slope.svg': {
      title: 'Slope of sigmoid(alpha·z)',
      setting: 'what is left of the gradient, on a logarithmic scale',
      ...logit,
      ...slopes,
      curves: alphas.map((alpha, i) => ({
        name: `alpha ${alpha}`,
        ...LINES[i],
        points: along(
          z,
          slope((x) => softThreshold(x, { sharpness: alpha })),
        ),
      })),
    },
    'power-slope.svg': {
      title: 'Slope of powerSharpen(v, p), v = sigmoid(z)',
      setting: 'of two classes; at z = 0 they tie and it jumps',
      ...logit,
      ...slopes,
      curves: alphas.map((p, i) => ({
        name: `p = ${p}`,
        ...LINES[i],
        points: along(z, slope(first((logits) => powerSharpen(softOneHot(logits), p)))),
      })),
    },
    'sparse.svg': {
      title: 'Sparse stand-ins for softmax',
      setting: 'the first of two classes with the logits z and 0',
      ...logit,
      ...share,
      curves: sparse.map(([name, f], i) => ({ name, ...LINES[i], points: along(z, first(f)) })),
    },
    'sparse-slope.svg': {
      title: 'Their slopes',
      setting: 'exactly 0 where a class has left the support',
      ...logit,
      caption: 'slope, d value / d z',
      y: { domain: [0, 0.6], ticks: 6 },
      curves: sparse.map(([name, f], i) => ({
        name,
        ...LINES[i],
        points: along(z, slope(first(f))),
      })),
    },
    'dice.svg': {
      title: `diceLoss for pixels of label ${LABEL}`,
      setting: 'all have the probability p; the ring marks the smallest value',
      x: { label: 'p', domain: [0, 1], ticks: [0, 0.3, 0.5, 1], tickFormat: String },
      ...share,
      curves: [
        { name: 'product', ...LINES[1], points: dice({ overlap: 'product' }), ring: true },
        { name: 'metric', ...LINES[0], points: dice({}), ring: true },
      ],
    },
  };
}

// ------------------------------------------------------------------------------------------------------ the picture

function picture({ title, setting, caption, curves, x, y }) {
  const line = ({ points, stroke, strokeDasharray }) => {
    const clip = points.some((point) => point.y < y.domain[0]);
    return Plot.line(points, { x: 'x', y: 'y', stroke, strokeDasharray, strokeWidth: LINE_WIDTH, clip });
  };
  const marks = [...curves.map(line), ...rings(curves), ...names(curves, y.domain)];
  return figure({
    title: `${title}: ${caption} against ${x.label}, for ${curves.map(({ name }) => name).join(', ')}`,
    width: WIDTH,
    height: HEIGHT,
    marks: heading(title, setting),
    panels: [[0, 40, panel({ ...PANEL, caption, x, y, marks })]],
  });
}

const rings = (curves) =>
  curves
    .filter(({ ring }) => ring)
    .map(({ points, stroke }) => Plot.dot(points, Plot.selectMinY({ x: 'x', y: 'y', ...RING, stroke })));

/** The name of each curve in its colour: right of its end, or where it leaves the panel at the bottom. */
function names(curves, [low]) {
  const ends = curves.map(({ name, stroke, points }) => ({ name, stroke, ...points.findLast(({ y }) => y >= low) }));
  const last = curves[0].points.at(-1).x;
  const [right, below] = [ends.filter(({ x }) => x === last), ends.filter(({ x }) => x !== last)];
  const text = { text: 'name', fill: 'stroke', fontWeight: 600, fontSize: 12, textAnchor: 'start' };
  return [
    Plot.link(right, apart({ x1: 'x', y1: 'y', x2: 'x', y2: 'y', stroke: 'stroke', strokeWidth: 1 }, 'x2', 'y2', 14)),
    Plot.text(right, apart({ x: 'x', y: 'y', ...text }, 'x', 'y', 17)),
    Plot.text(below, { x: 'x', y: 'y', dx: 8, dy: -8, ...text }),
  ];
}

/** Options of a mark whose places in the channels `x` and `y` move to the right by `dx`, and apart from each other. */
function apart(options, x, y, dx) {
  return Plot.initializer(options, (data, facets, channels, scales, { height, marginBottom }) => {
    const wanted = Array.from(channels[y].value, scales.y);
    const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
    const places = Float64Array.from(wanted);
    let free = -Infinity;
    for (const i of order) free = (places[i] = Math.max(wanted[i], free)) + NAME_HEIGHT;
    free = height - marginBottom;
    for (const i of order.reverse()) free = (places[i] = Math.min(places[i], free)) - NAME_HEIGHT;
    const moved = Float64Array.from(channels[x].value, (value) => scales.x(value) + dx);
    return { data, facets, channels: { [x]: { value: moved }, [y]: { value: places } } };
  });
}

export function drawCurves(options) {
  const pictures = new Map(Object.entries(charts()).map(([file, chart]) => [file, picture(chart)]));
  writePictures('docs/guide', pictures, options);
}
