import { largest } from '../extremes.js';
import { percent, short } from './confusionText.js';

const CELL = 72;
const GAP = 3;
const LETTER = 7.2;
/** The colour of text outside the cells: its contrast is at least 4.5 to 1 against a white page and a black one. */
const INK = '#767676';
/** The colours of a share of 0 and of 1. */
const PALE = [222, 235, 247];
const DEEP = [8, 48, 107];

/**
 * Draws a confusion matrix as an SVG picture. The colour of a cell shows its share of its row. The background is
 * transparent.
 */
export function confusionSvg(counts: readonly number[][], names: readonly string[]): string {
  const size = counts.length;
  const longest = Math.max(0, largest(names.map((name) => [...name].length))) * LETTER;
  const slanted = longest > CELL - 2 * GAP;
  const left = 34 + longest;
  const top = 34 + (slanted ? longest * 0.71 + 10 : 14);
  const right = slanted ? Math.max(0, longest * 0.71 - CELL / 2) + 8 : 8;
  const side = size * CELL;
  const [width, height] = [Math.ceil(left + side + right), Math.ceil(top + side + 8)];
  const middle = (i: number) => i * CELL + CELL / 2;

  const columns = names.map((name, j) => {
    const [x, y] = [left + middle(j), top - 8];
    return slanted
      ? text(name, x, y, `text-anchor="start" transform="rotate(-45 ${round(x)} ${round(y)})"`)
      : text(name, x, y, 'text-anchor="middle"');
  });
  const rows = names.map((name, i) => text(name, left - 8, top + middle(i) + 4, 'text-anchor="end"'));
  const cells = counts.flatMap((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, j) => cell(count, total, left + j * CELL, top + i * CELL, `${names[i]} as ${names[j]}`));
  });
  const across = text('predicted', left + side / 2, 18, 'text-anchor="middle" font-weight="600"');
  const [x, y] = [16, top + side / 2];
  const down = text(
    'labelled',
    x,
    y,
    `text-anchor="middle" font-weight="600" transform="rotate(-90 ${x} ${round(y)})"`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `role="img" aria-label="Confusion matrix" font-family="system-ui, sans-serif" font-size="12" fill="${INK}">`,
    ...[across, down, ...columns, ...rows, ...cells].map((line) => `  ${line}`),
    '</svg>',
    '',
  ].join('\n');
}

function cell(count: number, total: number, left: number, top: number, title: string): string {
  const share = total > 0 ? count / total : 0;
  const colour = PALE.map((from, i) => Math.round(from + (DEEP[i]! - from) * share));
  const ink = luminance(colour) > 0.2 ? '#0b1a2b' : '#ffffff';
  const [x, y] = [left + CELL / 2, top + CELL / 2];
  const side = CELL - GAP;
  return (
    `<g fill="${ink}" text-anchor="middle">` +
    `<title>${escaped(title)}: ${short(count)}, ${percent(count, total)}</title>` +
    `<rect x="${round(left + GAP / 2)}" y="${round(top + GAP / 2)}" width="${side}" height="${side}" rx="4" ` +
    `fill="rgb(${colour.join(',')})"/>` +
    text(percent(count, total), x, y - 1, 'font-size="14" font-weight="600"') +
    text(compact(count), x, y + 17, 'font-size="11"') +
    '</g>'
  );
}

/** A count in at most five characters: 950, 12.5k, 3.1M. */
function compact(count: number): string {
  const [unit, sign] =
    count >= 999.5e6 ? [1e9, 'G'] : count >= 999.5e3 ? [1e6, 'M'] : count >= 1e4 ? [1e3, 'k'] : [1, ''];
  return unit === 1 ? short(count) : `${(count / unit).toFixed(count / unit < 99.95 ? 1 : 0)}${sign}`;
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(colour: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = colour.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function text(content: string, x: number, y: number, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return content.replace(/[&<>"]/g, (letter) => names[letter]!);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
