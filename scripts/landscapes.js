// Draws the landscape of each loss that describes itself into docs/losses: its value and its gradient against p. Needs
// the built package (npm run build). With --check, fails when a picture is not what comes out.
//
// Uniform: 16 pixels of one class with the label t and the probability p, all alike; t = 0, 0.3 and 1, or 0 and 1 for
// losses that take hard labels only. The gradient is that to the common p.
// Square: an image of 8×8 pixels with a structure of 4×4, for losses that look at shapes. p is the probability of the
// structure's pixels (t = 1) or of all others (t = 0), where the rest is predicted as labelled.
import * as tf from '@tensorflow/tfjs';
import * as softseg from 'softseg';
import { at, escaped, path, ring, stepOf, steps, text, TEXT, ticksOf, writePictures } from './svg.js';

const SOFT = [0, 0.3, 1];
const HARD = [0, 1];

/** Losses whose picture is not that of their defaults on 16 pixels that are all alike. */
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
/** One picture each: the file's name, the loss, its options next to activation, the labels, and what p stands for. */
const LANDSCAPES = [
  ...Object.keys(softseg)
    .filter((name) => softseg[name].description)
    .map((name) => [name, name, ...(SPECIAL[name] ?? [{}, uniform(SOFT)])]),
  ...VARIANTS,
];

/** Where the curves are computed: evenly, near the ends, and on both sides of what may be a jump. */
const POINTS = {
  p: [0.001, ...steps(0.01, 0.99, 98), 0.999, 0.2999, 0.3001, 0.4999, 0.5001],
  logit: [...steps(-4, 4, 80), -1.001, -0.999, 0.999, 1.001],
};
const CURVES = {
  0: { colour: '#4c8dd6', dash: '' },
  0.3: { colour: '#d9730d', dash: '7 3' },
  1: { colour: '#2da44e', dash: '2 2.5' },
};
const [WIDTH, HEIGHT] = [700, 308];
const PANEL = { width: 286, height: 176, top: 62 };
const LEFTS = [46, 402];
/** No panel shows more, for logarithms and their slopes have no end. */
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

function picture(row, curves) {
  const [, name, options, { input: variable, setting }] = row;
  const call = Object.keys(options).length > 0 ? `${name}(labels, logits, ${showOptions(options)})` : name;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
      `font-family="system-ui, sans-serif" fill="${TEXT}">`,
    `<title>${escaped(`${call}: value and gradient against ${variable}`)}</title>`,
    text(8, 20, call, { weight: 700, size: 14 }),
    text(8, 37, setting),
    ...key(curves),
    ...['value', 'gradient'].flatMap((quantity, i) => panel(curves, quantity, LEFTS[i], variable)),
    '</svg>',
    '',
  ].join('\n');
}

const showOptions = (options) => {
  const entries = Object.entries(options).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `{ ${entries.join(', ').replaceAll('"', "'")} }`;
};

/** Below the panels. */
function key(curves) {
  const step = 104;
  const y = HEIGHT - 12;
  const left = LEFTS[0];
  const marks = curves.flatMap(({ t }, i) => [
    path(`M${left + step * i} ${y - 4}h34`, { ...CURVES[t], width: 2 }),
    text(left + step * i + 40, y, `t = ${t}`, { size: 12 }),
  ]);
  const end = left + step * curves.length;
  return [...marks, ring(end + 5, y - 4, TEXT), text(end + 14, y, 'the least value', { size: 12 })];
}

function panel(curves, quantity, left, variable) {
  const { width, height, top } = PANEL;
  const [from, to] = variable === 'p' ? [0, 1] : [-4, 4];
  const [low, high] = rangeOf(curves, quantity);
  const x = (value) => left + ((value - from) / (to - from)) * width;
  const y = (value) => top + height - ((value - low) / (high - low)) * height;
  const xTicks = variable === 'p' ? [0, 0.2, 0.4, 0.6, 0.8, 1] : [-4, -2, 0, 2, 4];
  const id = `clip-${quantity}`;
  return [
    `<clipPath id="${id}"><rect x="${left}" y="${top - 2}" width="${width}" height="${height + 4}"/></clipPath>`,
    text(left, top - 8, quantity === 'value' ? 'value' : `gradient, d value / d ${variable}`, { weight: 700 }),
    ...ticksOf(low, high).flatMap((tick) => [
      path(`M${left} ${at(y(tick))}h${width}`, { opacity: tick === 0 ? 0.8 : 0.22 }),
      text(left - 6, at(y(tick) + 4), String(tick), { anchor: 'end' }),
    ]),
    ...xTicks.flatMap((tick) => [
      path(`M${at(x(tick))} ${top + height}v4`),
      text(at(x(tick)), top + height + 17, String(tick), { anchor: 'middle' }),
    ]),
    path(`M${left} ${top}v${height}h${width}`),
    text(left + width / 2, top + height + 33, variable, { anchor: 'middle', size: 12 }),
    `<g clip-path="url(#${id})">`,
    ...curves.map(({ t, points }) => {
      // Beyond the panel a line only has to go on in its direction.
      const inside = (value) => Math.max(low - 2 * (high - low), Math.min(high + 2 * (high - low), value));
      const d = points
        .map((point, i) => `${i ? 'L' : 'M'}${at(x(point.x))} ${at(y(inside(point[quantity])))}`)
        .join('');
      return path(d, { ...CURVES[t], width: 2 });
    }),
    '</g>',
    ...(quantity === 'value' ? curves.map((curve) => leastOf(curve, x, y)).filter(Boolean) : []),
  ];
}

/** None where the loss is the same over a range. */
function leastOf({ t, points }, x, y) {
  const least = points.reduce((best, point) => (point.value < best.value ? point : best));
  const alike = points.filter(({ value }) => value - least.value < 1e-6);
  return Math.abs(alike.at(-1).x - alike[0].x) > 0.05 ? '' : ring(x(least.x), y(least.value), CURVES[t].colour);
}

function rangeOf(curves, quantity) {
  const values = curves.flatMap(({ points }) => points.map((point) => point[quantity]));
  const [least, most] = LIMITS[quantity];
  const low = Math.max(least, Math.min(0, ...values));
  const high = Math.min(most, Math.max(0, ...values));
  const step = stepOf(low, high);
  const round = (value, up) => (up ? Math.ceil(value / step - 0.05) : Math.floor(value / step + 0.05)) * step;
  return [round(low, false), round(high, true)];
}

// ---------------------------------------------------------------------------------------------------------- running

tf.enableProdMode();
await tf.setBackend('cpu');
const pictures = new Map(LANDSCAPES.map((row) => [`${row[0]}.svg`, picture(row, landscape(row))]));
writePictures('docs/losses', pictures, 'scripts/landscapes.js');
