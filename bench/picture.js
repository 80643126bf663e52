// The results as a picture: for each backend a column of bars that begin at 1, the time of PyTorch, and end at the time
// of softseg relative to it. Bars to the left of 1 mean that softseg is faster. The scale is logarithmic; each
// column has its own.
import * as Plot from '@observablehq/plot';
import { drawPlot, figure, label, legend } from '../scripts/plots/figure.js';
import { BLUE, GREEN, GRID, ORANGE } from '../scripts/plots/theme.js';
import { shapeName } from './cases.js';
import { fasterTorch, mainThreads } from './ratios.js';

const NAMES_WIDTH = 190;
const COLUMN = 270;
const ROW = 15;
/** The rows of bars have distances between them. */
const BAND = { type: 'band', padding: 0.35 };
/** Pixels above and below the rows. */
const [ABOVE, BELOW] = [100, 44];

const keyOf = ({ shape, loss, labels }) => [shapeName(shape), loss, labels].join(' ');

/** Compares with PyTorch, or with plain tfjs ops where some backend has no times of PyTorch. */
export function picture({ runs, machine, started, commit }) {
  const drawn = runs.filter(({ rows }) => rows.some((row) => row.results));
  const against = drawn.every(({ torch }) => torch) ? 'PyTorch' : 'plain tfjs ops';
  const measured = drawn.flatMap(({ rows }) => rows).filter(({ results }) => results);
  const rows = new Map(measured.map((row) => [keyOf(row), row]));
  const shapes = [...new Set([...rows.values()].map(({ shape }) => shapeName(shape)))];
  // A line for the name of each shape, and below it a line for each of its rows.
  const lines = shapes.flatMap((shape) => [
    shape,
    ...[...rows.keys()].filter((key) => shapeOf(rows.get(key)) === shape),
  ]);
  const nameOf = new Map([...rows].map(([key, { loss, labels }]) => [key, `${loss}, ${labels}`]));
  const size = { width: NAMES_WIDTH + drawn.length * COLUMN, height: ABOVE + lines.length * ROW + BELOW };
  const title = `Time of forward + backward, relative to ${against}: to the left of 1 softseg is faster`;
  const source = `${machine.processor}, ${machine.cores} cores; ${started.slice(0, 10)}, commit ${commit}`;
  const shared = { height: size.height, lines };
  return figure({
    title: `Forward + backward of softseg, relative to ${against}`,
    ...size,
    marks: [
      label(0, 12, title, { fontWeight: 700, fontSize: 14 }),
      ...legend(samples(against, measured), { x: 0, y: 38, step: 130, width: 14 }),
      label(0, size.height - 10, source, { fontSize: 10 }),
    ],
    panels: [
      [0, 0, names({ ...shared, shapes, nameOf })],
      ...drawn.map((run, i) => {
        const points = run.rows.filter(({ results }) => results).map((row) => pointOf(run, row, against));
        return [NAMES_WIDTH + i * COLUMN, 0, column({ ...shared, run, against, points })];
      }),
    ],
  });
}

const shapeOf = ({ shape }) => shapeName(shape);

/** The times of one row in one backend, as multiples of the time that they are compared with. */
function pointOf(run, row, against) {
  const { softseg, composed, plain } = row.results;
  const base = against === 'PyTorch' ? fasterTorch(row, mainThreads(run)) : plain.median;
  return {
    line: keyOf(row),
    softseg: softseg.median / base,
    composed: composed && composed.median / base,
    plain: against === 'PyTorch' ? plain.median / base : undefined,
  };
}

/** The entries of the legend. */
function samples(against, measured) {
  const bar = (fill) => (x, y) => Plot.rect([y], { x1: [x], x2: [x + 14], y1: [y - 5], y2: [y + 5], fill });
  const tick = (x, y) => Plot.ruleX([x], { x: [x + 7], y1: [y - 5], y2: [y + 5], ...TICK });
  const ring = (x, y) => Plot.dot([x], { x: [x + 7], y: [y], ...RING });
  return [
    { name: 'softseg, faster', sample: bar(GREEN) },
    { name: 'softseg, slower', sample: bar(ORANGE) },
    ...(against === 'PyTorch' ? [{ name: 'plain tfjs ops', sample: tick }] : []),
    ...(measured.some(({ results }) => results.composed) ? [{ name: 'softseg, composed kernels', sample: ring }] : []),
  ];
}

const TICK = { stroke: BLUE, strokeWidth: 2.4 };
const RING = { r: 3.5, stroke: BLUE, strokeWidth: 1.6 };

/** The names of the shapes and rows, left of the columns. */
function names({ height, lines, shapes, nameOf }) {
  const axis = { anchor: 'left', textAnchor: 'start', tickSize: 0, label: null };
  return drawPlot({
    ...frameOf(NAMES_WIDTH, height),
    marginLeft: NAMES_WIDTH,
    y: { domain: lines, ...BAND },
    marks: [
      Plot.axisY(shapes, { ...axis, fontWeight: 700, tickPadding: NAMES_WIDTH }),
      Plot.axisY([...nameOf.keys()], { ...axis, tickPadding: NAMES_WIDTH - 12, tickFormat: (key) => nameOf.get(key) }),
    ],
  });
}

/** The column of one backend. */
function column({ height, lines, run, against, points }) {
  const { engine, torch } = run;
  const threads = mainThreads(run);
  const beside =
    against === 'PyTorch' ? `${threads} thread${threads > 1 ? 's' : ''} each, torch ${torch.version}` : engine.version;
  const values = points.flatMap(({ softseg, composed, plain }) => [softseg, composed, plain].filter(Boolean));
  const title = { frameAnchor: 'top-left', lineAnchor: 'bottom' };
  return drawPlot({
    ...frameOf(COLUMN, height),
    marginLeft: 14,
    marginRight: 16,
    x: { type: 'log', base: 2, domain: [Math.min(0.5, ...values), Math.max(2, ...values)], inset: 8 },
    y: { domain: lines, axis: null, ...BAND },
    marks: [
      Plot.text([`${engine.backend} (${engine.kernels})`], { ...title, fontWeight: 700, fontSize: 12, dy: -20 }),
      Plot.text([beside], { ...title, fontSize: 10, dy: -6 }),
      Plot.gridX({ strokeOpacity: GRID, ticks: 6 }),
      Plot.axisX({ ticks: 6, tickFormat: ratio, tickSize: 0, label: null }),
      Plot.ruleX([1], { strokeWidth: 1.5 }),
      Plot.barX(points, {
        x1: () => 1,
        x2: 'softseg',
        y: 'line',
        fill: ({ softseg }) => (softseg <= 1 ? GREEN : ORANGE),
      }),
      Plot.dot(points, { x: 'composed', y: 'line', ...RING }),
      Plot.tickX(points, { x: 'plain', y: 'line', ...TICK }),
    ],
  });
}

/** All panels have their rows at the same height. */
const frameOf = (width, height) => ({ width, height, marginTop: ABOVE, marginBottom: BELOW, marginRight: 0 });

const ratio = (value) => (value >= 1 ? `${value}×` : `1/${1 / value}`);
