// The results as an SVG, in colours that can be read on white and on dark: for each backend a column of bars that start
// at PyTorch's time and reach to softseg's, to the left where softseg is faster; the scale is logarithmic.
import { shapeName } from './cases.js';
import { fasterTorch, mainThreads } from './ratios.js';

const COLOURS = { text: '#7d8590', faster: '#2da44e', slower: '#d9730d', mark: '#4c8dd6' };
const LINE = 16;
const LABELS_WIDTH = 250;
const COLUMN = 250;
const GAP = 30;
const TOP = 74;

const text = (x, y, content, { anchor = 'start', weight = 400, size = 11 } = {}) =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" font-weight="${weight}" font-size="${size}">${escaped(content)}</text>`;
const escaped = (content) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const keyOf = (row) => [shapeName(row.shape), row.loss, row.labels].join(' ');

/** Against PyTorch, or where there is none against plain tfjs ops. */
export function picture({ runs, machine, started, commit }) {
  const drawn = runs.filter(({ rows }) => rows.some((row) => row.results));
  const against = drawn.every(({ torch }) => torch) ? 'PyTorch' : 'plain tfjs ops';
  const rows = new Map(drawn.flatMap((run) => run.rows).map((row) => [keyOf(row), row]));
  const places = placesOf([...rows.values()]);
  const height = Math.max(...[...places.lines.values()]) + 60;
  const width = LABELS_WIDTH + drawn.length * (COLUMN + GAP);

  const columns = drawn.map((run, i) => {
    const left = LABELS_WIDTH + i * (COLUMN + GAP);
    const points = run.rows.flatMap((row) => pointOf(run, row, against));
    return column({ run, left, points, places, against, bottom: height - 48 });
  });
  const heads = places.heads.map(({ y, name }) => text(0, y, name, { weight: 700 }));
  const names = [...rows].map(([key, { loss, labels }]) => text(12, places.lines.get(key), `${loss}, ${labels}`));
  const day = started.slice(0, 10);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 ${width} ${height}" width="${width}" height="${height}" ` +
      `font-family="system-ui, sans-serif" fill="${COLOURS.text}">`,
    `<title>Forward + backward of softseg, relative to ${against}</title>`,
    text(0, 18, `Time of forward + backward, relative to ${against}: to the left of 1 softseg is faster`, {
      weight: 700,
      size: 14,
    }),
    ...key(against, drawn),
    ...heads,
    ...names,
    ...columns.flat(),
    text(0, height - 10, `${machine.processor}, ${machine.cores} cores; ${day}, commit ${commit}`, { size: 10 }),
    '</svg>',
    '',
  ].join('\n');
}

/** Where lines and headings of the shapes stand, from top to bottom. */
function placesOf(rows) {
  const heads = [];
  const lines = new Map();
  let y = TOP;
  for (const name of new Set(rows.map((row) => shapeName(row.shape)))) {
    y += LINE + 6;
    heads.push({ y, name });
    for (const row of rows.filter(({ shape }) => shapeName(shape) === name)) lines.set(keyOf(row), (y += LINE));
  }
  return { heads, lines };
}

/** softseg, composed and plain ops as multiples of what they are compared with. */
function pointOf(run, row, against) {
  if (!row.results) return [];
  const { softseg, composed, plain } = row.results;
  const base = against === 'PyTorch' ? fasterTorch(row, mainThreads(run)) : plain.median;
  return [
    {
      key: keyOf(row),
      softseg: softseg.median / base,
      composed: composed && composed.median / base,
      plain: against === 'PyTorch' ? plain.median / base : undefined,
    },
  ];
}

function key(against, runs) {
  const composed = runs.some(({ rows }) => rows.some((row) => row.results?.composed));
  const entry = (x, shape, name) => [shape, text(x + 20, 42, name)];
  return [
    ...entry(0, bar(0, 33, 14, COLOURS.faster), 'softseg, faster'),
    ...entry(125, bar(125, 33, 14, COLOURS.slower), 'softseg, slower'),
    ...(against === 'PyTorch' ? entry(250, tick(257, 38), 'plain tfjs ops') : []),
    ...(composed ? entry(370, ring(377, 38), 'softseg, composed kernels') : []),
  ];
}

const bar = (x, y, width, colour) =>
  `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="10" rx="1" fill="${colour}"/>`;
const ring = (x, y) =>
  `<circle cx="${x.toFixed(1)}" cy="${y}" r="3.5" fill="none" stroke="${COLOURS.mark}" stroke-width="1.6"/>`;
const tick = (x, y) =>
  `<path d="M${x.toFixed(1)} ${y - 5}v10" stroke="${COLOURS.mark}" stroke-width="2.4" stroke-linecap="round"/>`;
const line = (x, y1, y2, { width, opacity }) =>
  `<path d="M${x.toFixed(1)} ${y1}V${y2}" stroke="${COLOURS.text}" stroke-width="${width}" stroke-opacity="${opacity}"/>`;

function column({ run, left, points, places, against, bottom }) {
  const { engine, torch } = run;
  const values = points.flatMap(({ softseg, composed, plain }) => [softseg, composed, plain].filter(Boolean));
  const from = Math.log2(Math.min(0.5, ...values)) - 0.3;
  const to = Math.log2(Math.max(2, ...values)) + 0.3;
  const x = (value) => left + ((Math.log2(value) - from) / (to - from)) * COLUMN;
  const threads = (count) => `${count} thread${count > 1 ? 's' : ''}`;
  const beside = against === 'PyTorch' ? `${threads(mainThreads(run))} each, torch ${torch.version}` : engine.version;
  return [
    text(left, 62, `${engine.backend} (${engine.kernels})`, { weight: 700, size: 12 }),
    text(left, 76, beside, { size: 10 }),
    ...scale(from, to).flatMap((value) => [
      line(x(value), 84, bottom, value === 1 ? { width: 1.5, opacity: 1 } : { width: 1, opacity: 0.3 }),
      text(x(value), bottom + 14, label(value), { anchor: 'middle', size: 10 }),
    ]),
    ...points.flatMap(({ key: name, softseg, composed, plain }) => {
      const y = places.lines.get(name) - 4;
      const [start, end] = [x(Math.min(1, softseg)), x(Math.max(1, softseg))];
      return [
        bar(start, y - 5, end - start, softseg <= 1 ? COLOURS.faster : COLOURS.slower),
        composed ? ring(x(composed), y) : '',
        plain ? tick(x(plain), y) : '',
      ].filter(Boolean);
    }),
  ];
}

/** Powers of 2, so far apart that at most eight are in the range. */
function scale(from, to) {
  const step = Math.ceil((to - from) / 8);
  const values = [];
  for (let power = Math.ceil(from / step) * step; power <= to; power += step) values.push(2 ** power);
  return values;
}

const label = (value) => (value >= 1 ? `${value}×` : `1/${1 / value}`);
