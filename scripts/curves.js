// Draws the curves of the guide into docs/guide: what relaxations give and what is left of the gradient, from softseg's
// own functions. Needs the built package (npm run build). With --check, fails when a picture is not what comes out.
import * as tf from '@tensorflow/tfjs';
import { diceLoss, entmax15, powerSharpen, softOneHot, softThreshold, sparsemax } from 'softseg';
import { at, escaped, path, ring, steps, text, TEXT, writePictures } from './svg.js';

const VALUES = [0.1304, 0.5134, 0.7426, 0.7159, 0.5705];
const LABEL = 0.3;
const [BLUE, ORANGE, GREEN, MAGENTA, VIOLET] = ['#4c8dd6', '#d9730d', '#2da44e', '#d6409f', '#9a6ee8'];
const LINES = [
  { colour: BLUE },
  { colour: ORANGE, dash: '8 3' },
  { colour: GREEN, dash: '2 2.5' },
  { colour: MAGENTA, dash: '10 3 2 3' },
  { colour: VIOLET, dash: '5 3' },
];

const [WIDTH, HEIGHT] = [392, 312];
const PANEL = { left: 48, top: 62, width: 252, height: 204 };
/** Labels of curves keep this distance. */
const LINE = 15;

/** One of each of VALUES, over the exponents p. */
function perValue(sharpened) {
  const powers = steps(1, 19, 180);
  const rows = powers.map((p) => tf.tidy(() => sharpened(tf.tensor1d(VALUES), p).dataSync()));
  return VALUES.map((value, i) => ({
    label: String(value),
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
  const power = { x: 'p', from: 1, to: 19, xTicks: [1, 4, 7, 10, 13, 16, 19] };
  const share = { y: 'value', low: 0, high: 1, yTicks: [0, 0.2, 0.4, 0.6, 0.8, 1] };
  const logit = { x: 'z', from: -4, to: 4, xTicks: [-4, -2, 0, 2, 4] };
  const slopes = { y: 'slope, d value / d z', low: 1e-8, high: 10, yTicks: [1e-8, 1e-6, 1e-4, 1e-2, 1], log: true };
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
        label: `alpha ${alpha}`,
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
        label: `p = ${p}`,
        ...LINES[i],
        points: along(z, slope(first((logits) => powerSharpen(softOneHot(logits), p)))),
      })),
    },
    'sparse.svg': {
      title: 'Sparse stand-ins for softmax',
      setting: 'the first of two classes with the logits z and 0',
      ...logit,
      ...share,
      curves: sparse.map(([label, f], i) => ({ label, ...LINES[i], points: along(z, first(f)) })),
    },
    'sparse-slope.svg': {
      title: 'Their slopes',
      setting: 'exactly 0 where a class has left the support',
      ...logit,
      y: 'slope, d value / d z',
      low: 0,
      high: 0.6,
      yTicks: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
      curves: sparse.map(([label, f], i) => ({
        label,
        ...LINES[i],
        points: along(z, slope(first(f))),
      })),
    },
    'dice.svg': {
      title: `diceLoss for pixels of label ${LABEL}`,
      setting: 'all have the probability p; the ring is the least value',
      x: 'p',
      from: 0,
      to: 1,
      xTicks: [0, 0.3, 0.5, 1],
      ...share,
      curves: [
        { label: 'product', ...LINES[1], points: dice({ overlap: 'product' }), least: true },
        { label: 'metric', ...LINES[0], points: dice({}), least: true },
      ],
    },
  };
}

// ------------------------------------------------------------------------------------------------------ the picture

function picture({ title, setting, curves, ...axes }) {
  const { left, top, width, height } = PANEL;
  const { from, to, low, high, log } = axes;
  const level = (value) => (log ? Math.log10(Math.max(value, 1e-30)) : value);
  const x = (value) => left + ((value - from) / (to - from)) * width;
  const y = (value) => top + height - ((level(value) - level(low)) / (level(high) - level(low))) * height;
  const names = curves.map(({ label }) => label).join(', ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
      `font-family="system-ui, sans-serif" fill="${TEXT}">`,
    `<title>${escaped(`${title}: ${axes.y} against ${axes.x}, for ${names}`)}</title>`,
    text(8, 20, title, { weight: 700, size: 14 }),
    text(8, 37, setting),
    text(left - 8, top - 8, axes.y, { size: 12 }),
    ...axes.yTicks.flatMap((tick) => [
      path(`M${left} ${at(y(tick))}h${width}`, { opacity: tick === 0 || tick === low ? 0.8 : 0.22 }),
      text(left - 6, at(y(tick) + 4), tick < 1e-3 && tick > 0 ? `1e${level(tick)}` : String(tick), { anchor: 'end' }),
    ]),
    ...axes.xTicks.flatMap((tick) => [
      path(`M${at(x(tick))} ${top + height}v4`),
      text(at(x(tick)), top + height + 17, String(tick), { anchor: 'middle' }),
    ]),
    text(left + width / 2, top + height + 34, axes.x, { anchor: 'middle', size: 12 }),
    `<clipPath id="panel"><rect x="${left}" y="${top - 2}" width="${width}" height="${height + 4}"/></clipPath>`,
    '<g clip-path="url(#panel)">',
    ...curves.map(({ points, colour, dash }) => {
      const d = points.map((p, i) => `${i ? 'L' : 'M'}${at(x(p.x))} ${at(Math.min(y(p.y), 2 * HEIGHT))}`).join('');
      return path(d, { colour, dash, width: 2 });
    }),
    '</g>',
    ...curves.filter(({ least }) => least).map(({ points, colour }) => leastOf(points, x, y, colour)),
    ...labels(curves, x, y),
    '</svg>',
    '',
  ].join('\n');
}

function leastOf(points, x, y, colour) {
  const { x: p, y: value } = points.reduce((best, point) => (point.y < best.y ? point : best));
  return ring(x(p), y(value), colour);
}

/** At the right end of each curve, moved apart, with a thin line to where it ends; or where it leaves the panel. */
function labels(curves, x, y) {
  const { left, top, width, height } = PANEL;
  const [right, bottom] = [left + width, top + height];
  const leaves = ({ points }) => y(points.at(-1).y) > bottom + 1;
  const ends = curves
    .filter((curve) => !leaves(curve))
    .map((curve) => ({ ...curve, end: y(curve.points.at(-1).y) }))
    .sort((a, b) => a.end - b.end);
  const places = apart(ends.map(({ end }) => end));
  return [
    ...ends.flatMap(({ label, colour, end }, i) => [
      path(`M${right + 2} ${at(end)}L${right + 14} ${at(places[i])}`, { colour }),
      labelOf(right + 17, places[i] + 4, label, colour),
    ]),
    ...curves.filter(leaves).map(({ label, colour, points }) => {
      const exit = points.findLast((point) => y(point.y) <= bottom);
      return labelOf(x(exit.x) + 8, bottom - 6, label, colour);
    }),
  ];
}

const labelOf = (x, y, label, colour) =>
  `<text x="${at(x)}" y="${at(y)}" font-weight="600" font-size="12" fill="${colour}">${escaped(label)}</text>`;

/** Ascending places, each at least LINE after the one before, so that the last stays where it is or rises. */
function apart(wanted) {
  const places = [...wanted];
  const last = PANEL.top + PANEL.height;
  for (let i = 1; i < places.length; i++) places[i] = Math.max(places[i], places[i - 1] + LINE);
  places[places.length - 1] = Math.min(places.at(-1), last);
  for (let i = places.length - 2; i >= 0; i--) places[i] = Math.min(places[i], places[i + 1] - LINE);
  return places;
}

tf.enableProdMode();
await tf.setBackend('cpu');
const pictures = new Map(Object.entries(charts()).map(([file, chart]) => [file, picture(chart)]));
writePictures('docs/guide', pictures, 'scripts/curves.js');
