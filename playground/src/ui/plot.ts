/** Plots of curves, as SVG whose units are the pixels of the screen, so that text keeps its size on a phone. */
import { h, svg } from './dom.js';
import { fixed } from './format.js';

export interface Curve {
  name: string;
  /** The number of the colour and dash pattern in style.css, from 1. */
  style: number;
  points: readonly (readonly [x: number, y: number])[];
  faint?: boolean;
}

interface PlotData {
  curves: readonly Curve[];
  x: readonly [number, number];
  y: readonly [number, number];
  /** The ticks of the x axis. Default: round numbers. */
  xTicks?: readonly number[];
  /** An x that is marked by a vertical line. */
  marked?: number;
  /** The text for screen readers. */
  summary: string;
}

export interface Plot {
  element: HTMLElement;
  draw(data: PlotData): void;
}

export interface PlotOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  /** The names of the curves by style, if their ends are not labelled. */
  legend?: readonly string[];
  height?: number;
  /** Called with the x to which the pointer is pressed or dragged. */
  onDrag?: (x: number) => void;
}

const MARGIN = { left: 46, right: 26, top: 10, bottom: 38 };

export function plot({ title, xLabel, yLabel, legend = [], height = 270, onDrag }: PlotOptions): Plot {
  const picture = svg('svg', { role: 'img', height, class: onDrag ? 'draggable' : undefined });
  const element = h(
    'figure',
    { class: 'plot' },
    h(
      'figcaption',
      {},
      h('b', {}, title),
      h('span', {}, yLabel),
      ...legend.map((name, i) => h('span', { class: 'legend' }, h('i', { class: `swatch style-${i + 1}` }), name)),
    ),
    picture,
  );
  let data: PlotData | undefined;
  let width = 0;

  const redraw = () => {
    if (!data || width === 0) return;
    picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    picture.setAttribute('aria-label', `${title}, ${yLabel} against ${xLabel}. ${data.summary}`);
    picture.replaceChildren(...content(data, { width, height, xLabel }));
  };
  new ResizeObserver(([entry]) => {
    width = Math.round(entry!.contentRect.width);
    redraw();
  }).observe(element);

  if (onDrag) {
    const drag = (event: PointerEvent) => {
      if (!data || (event.type === 'pointermove' && event.buttons === 0)) return;
      if (event.type === 'pointerdown') picture.setPointerCapture(event.pointerId);
      const { left } = picture.getBoundingClientRect();
      const share = (event.clientX - left - MARGIN.left) / (width - MARGIN.left - MARGIN.right);
      const [from, to] = data.x;
      onDrag(from + Math.min(1, Math.max(0, share)) * (to - from));
    };
    picture.addEventListener('pointerdown', drag);
    picture.addEventListener('pointermove', drag);
  }

  return {
    element,
    draw(next) {
      data = next;
      redraw();
    },
  };
}

const round = (value: number) => Math.round(value * 10) / 10;

function content(data: PlotData, size: { width: number; height: number; xLabel: string }): SVGElement[] {
  const right = size.width - MARGIN.right;
  const bottom = size.height - MARGIN.bottom;
  const [fromX, toX] = data.x;
  const [fromY, toY] = data.y;
  const x = (value: number) => round(MARGIN.left + ((value - fromX) / (toX - fromX)) * (right - MARGIN.left));
  const y = (value: number) => {
    const inside = Math.min(toY, Math.max(fromY, value));
    return round(bottom - ((inside - fromY) / (toY - fromY)) * (bottom - MARGIN.top));
  };
  const path = ({ points, style, faint }: Curve) => {
    const d = points.map(([px, py], i) => `${i ? 'L' : 'M'}${x(px)} ${y(py)}`).join('');
    // A curve of a single point is drawn as a dot.
    return svg('path', {
      d: points.length === 1 ? `${d}h0` : d,
      class: `curve style-${style}${faint ? ' faint' : ''}`,
    });
  };
  const yTicks = ticks(fromY, toY, 5);
  const xTicks = data.xTicks ?? ticks(fromX, toX, size.width < 420 ? 5 : 8);
  return [
    ...yTicks.flatMap((tick) => [
      svg('path', { d: `M${MARGIN.left} ${y(tick)}H${right}`, class: tick === 0 ? 'axis' : 'grid' }),
      svg('text', { x: MARGIN.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, label(tick, yTicks)),
    ]),
    ...xTicks.map((tick) => svg('text', { x: x(tick), y: bottom + 18, 'text-anchor': 'middle' }, label(tick, xTicks))),
    svg('text', { x: (MARGIN.left + right) / 2, y: bottom + 34, 'text-anchor': 'middle' }, size.xLabel),
    ...data.curves.map(path),
    ...(data.marked === undefined ? [] : mark(data, data.marked, x, y, bottom)),
    ...ends(data.curves, y, right, bottom),
  ];
}

function mark(
  { curves }: PlotData,
  marked: number,
  x: (value: number) => number,
  y: (value: number) => number,
  bottom: number,
): SVGElement[] {
  const dots = curves.flatMap(({ points, style }) => {
    const nearest = points.reduce((best, point) =>
      Math.abs(point[0] - marked) < Math.abs(best[0] - marked) ? point : best,
    );
    return Number.isFinite(nearest[1])
      ? [svg('circle', { cx: x(marked), cy: y(nearest[1]), r: 4, class: `dot style-${style}` })]
      : [];
  });
  return [svg('path', { d: `M${x(marked)} ${MARGIN.top}V${bottom}`, class: 'mark' }), ...dots];
}

/** The name of each curve at its right end; names that would overlap are moved apart. */
function ends(curves: readonly Curve[], y: (value: number) => number, right: number, bottom: number): SVGElement[] {
  const line = 14;
  const named = curves
    .filter(({ points, name }) => points.length > 0 && name.length <= 2)
    .map(({ name, style, points }) => ({ name, style, at: y(points.at(-1)![1]) }))
    .sort((a, b) => a.at - b.at);
  for (let i = 1; i < named.length; i++) named[i]!.at = Math.max(named[i]!.at, named[i - 1]!.at + line);
  for (let i = named.length - 1; i >= 0; i--) {
    named[i]!.at = Math.min(named[i]!.at, i === named.length - 1 ? bottom : named[i + 1]!.at - line);
  }
  return named.map(({ name, style, at }) =>
    svg('text', { x: right + 9, y: round(at) + 4, class: `name style-${style}` }, name),
  );
}

/** Round numbers in [from, to]. */
function ticks(from: number, to: number, wanted: number): number[] {
  const rough = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999)!;
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first;
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function label(tick: number, all: readonly number[]): string {
  const step = all.length > 1 ? all[1]! - all[0]! : 1;
  return fixed(tick, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/** The smallest round range that contains [low, high]. */
export function roundRange(low: number, high: number): [number, number] {
  if (!(high > low)) return [low - 0.5, low + 0.5];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999)!;
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}
