// The picture of docs/training.md on annealing: the slope of a sharpened sigmoid, computed by softseg's own function,
// and the test scores of annealed losses, which scripts/annealing.js has measured.
import { readFileSync } from 'node:fs';
import * as Plot from '@observablehq/plot';
import * as tf from '@tensorflow/tfjs';
import { softThreshold } from 'softseg';
import { figure, legend, lineSample, panel, powerOfTen } from './figure.js';
import { steps } from './steps.js';
import { LINES, LINE_WIDTH } from './theme.js';
import { writePictures } from './writePictures.js';

/** The scores after each epoch, [seed][epoch] by what was trained. */
export const RESULTS = new URL('annealing.json', import.meta.url);

const [WIDTH, HEIGHT] = [740, 344];
const PANEL = { width: 370, height: 284, margins: [30, 16, 46, 48] };
/** The right panel shows this much of the scale of IoU, from the best score downwards. */
const SHOWN_IOU = 0.45;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function slopes() {
  const zs = steps(-4, 4, 160);
  const curves = [1, 2, 4, 8].map((sharpness) => {
    const slope = tf.tidy(() =>
      tf
        .grad((z) => softThreshold(z, { sharpness }))(tf.tensor1d(zs))
        .dataSync(),
    );
    return { name: `sharpness ${sharpness}`, points: zs.map((x, i) => ({ x, y: slope[i] })) };
  });
  const drawn = panel({
    ...PANEL,
    caption: '|dp/dz| of sigmoid(sharpness·z)',
    x: { domain: [-4, 4], ticks: 5, label: 'z' },
    y: { type: 'log', domain: [1e-8, 10], ticks: 5, tickFormat: powerOfTen },
    marks: curves.map(({ points }, i) => curve(points, LINES[i])),
  });
  return { drawn, names: curves.map(({ name }) => name) };
}

function learning({ epochs, scores }) {
  const runs = Object.values(scores);
  const best = Math.max(...runs.flat(2));
  const points = (values) => values.map((y, i) => ({ x: i + 1, y }));
  const drawn = panel({
    ...PANEL,
    caption: 'IoU of the argmax: each run, and the mean',
    x: { domain: [1, epochs], ticks: [1, 10, 20, 30, 40].filter((epoch) => epoch <= epochs), label: 'epoch' },
    y: { domain: [best - SHOWN_IOU, best], nice: 5, ticks: 5 },
    marks: [
      ...runs.flatMap((seeds, i) =>
        seeds.map((values) => curve(points(values), { stroke: LINES[i].stroke, strokeWidth: 1, strokeOpacity: 0.3 })),
      ),
      ...runs.map((seeds, i) =>
        curve(points(seeds[0].map((_, e) => mean(seeds.map((values) => values[e])))), LINES[i]),
      ),
    ],
  });
  return { drawn, names: Object.keys(scores) };
}

const curve = (points, style) => Plot.line(points, { x: 'x', y: 'y', strokeWidth: LINE_WIDTH, clip: true, ...style });

function picture(results) {
  const panels = [slopes(), learning(results)];
  const lefts = panels.map((_, i) => i * PANEL.width);
  return figure({
    title: 'The slope of a sharpened sigmoid, and the test scores of annealed losses',
    width: WIDTH,
    height: HEIGHT,
    marks: panels.flatMap(({ names }, i) => {
      const row = { x: lefts[i] + PANEL.margins[3], y: PANEL.height + 22, step: 152, width: 26, perRow: 2 };
      return legend(
        names.map((name, j) => ({ name, sample: lineSample(LINES[j], row.width) })),
        row,
      );
    }),
    panels: panels.map(({ drawn }, i) => [lefts[i], 0, drawn]),
  });
}

export function drawAnnealing({ check }) {
  const results = JSON.parse(readFileSync(RESULTS, 'utf8'));
  writePictures('docs', new Map([['annealing.svg', picture(results)]]), { check });
}
