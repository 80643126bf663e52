// One picture as the text of an SVG: panels drawn by Observable Plot, with a title above and a legend below them.
import * as Plot from '@observablehq/plot';
import { DOMParser } from 'linkedom';
import { FONT_SIZE, GREY, GRID, LINE_WIDTH, RING } from './theme.js';

const SVG = 'http://www.w3.org/2000/svg';
/** Attributes that hold coordinates in pixels. */
const COORDINATES = ['d', 'transform', 'x', 'x1', 'x2', 'y', 'y1', 'y2', 'cx', 'cy', 'width', 'height'];

/** The distance between the rows of a legend. */
const ROW = 18;

const newDocument = () => new DOMParser().parseFromString(`<svg xmlns="${SVG}"></svg>`, 'image/svg+xml');

/** The plot that Observable Plot draws, without the style sheet that it adds for pages. */
export function drawPlot(options) {
  const svg = Plot.plot({ document: newDocument(), ...options });
  for (const style of svg.querySelectorAll('style')) style.remove();
  for (const name of ['class', 'style']) svg.removeAttribute(name);
  return svg;
}

/**
 * One panel: an axis on the left and one below, a line across at each tick of y, and `marks`. `x` and `y` are options
 * of Plot's scales and axes in one. A panel whose range of y has 0 inside it gets a stronger line there with `zero`.
 */
export function panel({ width, height, margins, caption, x, y, zero = false, marks }) {
  const { domain: xDomain, type: xType, ...xAxis } = x;
  const { domain: yDomain, type: yType, nice: yNice, ticks: yTicks, ...yAxis } = y;
  const [marginTop, marginRight, marginBottom, marginLeft] = margins;
  const shared = { width, height, marginTop, marginRight, marginBottom, marginLeft };
  return drawPlot({
    ...shared,
    x: { type: xType, domain: xDomain },
    y: { type: yType, domain: yDomain, nice: yNice },
    marks: [
      Plot.gridY({ ticks: yTicks, strokeOpacity: GRID }),
      Plot.axisY({ ticks: yTicks, label: null, tickSize: 0, tickPadding: 8, ...yAxis }),
      Plot.axisX({ tickSize: 4, tickPadding: 5, labelAnchor: 'center', labelArrow: 'none', labelOffset: 34, ...xAxis }),
      ...(zero ? [Plot.ruleY([0], { strokeOpacity: 0.8 })] : []),
      Plot.frame({ anchor: 'left' }),
      Plot.frame({ anchor: 'bottom' }),
      Plot.text([caption], { frameAnchor: 'top-left', lineAnchor: 'bottom', dy: -9, fontWeight: 700 }),
      ...marks,
    ],
  });
}

/** Names the ticks of a logarithmic axis: powers of ten below 0.001 as 1e-4. */
export const powerOfTen = (value) => (value < 1e-3 ? value.toExponential() : String(value));

/** Text that starts at a place of the figure. */
export const label = (x, y, text, options = {}) =>
  Plot.text([text], { x: [x], y: [y], textAnchor: 'start', text: [text], ...options });

/** The marks of a title and of the line below it, in smaller letters, that says what the picture shows. */
export const heading = (title, setting) => [
  label(8, 16, title, { fontWeight: 700, fontSize: 14 }),
  ...(setting ? [label(8, 34, setting)] : []),
];

/**
 * The marks of a legend, with `perRow` entries in a row. Each entry has a name, and a function that makes the mark of
 * its sample, which is `width` wide, at a place.
 */
export const legend = (entries, { x, y, step, width, perRow = entries.length }) =>
  entries.flatMap(({ name, sample }, i) => {
    const [left, middle] = [x + (i % perRow) * step, y + Math.floor(i / perRow) * ROW];
    return [sample(left, middle), label(left + width + 6, middle, name)];
  });

/** The sample of a curve in a legend, for `legend` with the same width. */
export const lineSample = (style, width) => (x, y) =>
  Plot.ruleY([y], { x1: [x], x2: [x + width], y: [y], strokeWidth: LINE_WIDTH, ...style });

export const ringSample = (style, width) => (x, y) => Plot.dot([y], { x: [x + width / 2], y: [y], ...RING, ...style });

/**
 * The text of a picture: `title` is what a screen reader says, `marks` are placed in pixels of the whole picture, and
 * `panels` are [x, y, panel].
 */
export function figure({ title, width, height, marks, panels }) {
  const identity = { type: 'identity', axis: null };
  const svg = drawPlot({ width, height, margin: 0, x: identity, y: identity, marks });
  const document = svg.ownerDocument;
  svg.setAttribute('xmlns', SVG);
  svg.setAttribute('font-size', FONT_SIZE);
  svg.setAttribute('color', GREY);
  const name = document.createElementNS(SVG, 'title');
  name.textContent = title;
  svg.prepend(name);
  for (const [x, y, inner] of panels) {
    inner.setAttribute('x', x);
    inner.setAttribute('y', y);
    for (const inherited of ['font-size', 'font-family', 'fill', 'text-anchor']) inner.removeAttribute(inherited);
    svg.append(document.importNode(inner, true));
  }
  round(svg);
  return `${renumbered(svg.toString()).replaceAll(/(?<=>)(?=<(?!\/text))/g, '\n')}\n`;
}

/** Rounds coordinates to a tenth of a pixel, so that every platform writes the same bytes. */
function round(svg) {
  for (const element of svg.querySelectorAll('*')) {
    for (const name of COORDINATES) {
      const value = element.getAttribute(name);
      if (value === null || value.endsWith('em')) continue;
      const rounded = value.replaceAll(/-?\d+(\.\d+)?(e-?\d+)?/g, (number) => Number(Number(number).toFixed(1)));
      element.setAttribute(name, rounded);
    }
  }
}

/** Plot counts its clip paths through a whole process; here each picture begins with the first. */
function renumbered(text) {
  const ids = new Map();
  return text.replaceAll(/plot-clip-\d+/g, (id) => {
    if (!ids.has(id)) ids.set(id, `clip-${ids.size + 1}`);
    return ids.get(id);
  });
}
