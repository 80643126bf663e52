// What the scripts that draw pictures share: SVG in colours that can be read on white and on dark, written as text, and
// a check that the pictures in a folder are those that come out.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeWhole } from './writeWhole.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

export const TEXT = '#7d8590';

/** count + 1 numbers, rounded as they look. */
export function steps(from, to, count) {
  return Array.from({ length: count + 1 }, (_, i) => Number((from + ((to - from) * i) / count).toFixed(6)));
}

export const escaped = (content) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
export const text = (x, y, content, { anchor = 'start', weight = 400, size = 11 } = {}) =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" font-weight="${weight}" font-size="${size}">${escaped(content)}</text>`;
export const path = (d, { colour = TEXT, width = 1, opacity = 1, dash = '' } = {}) =>
  `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}"` +
  (opacity === 1 ? '' : ` stroke-opacity="${opacity}"`) +
  (dash ? ` stroke-dasharray="${dash}"` : '') +
  '/>';
export const at = (number) => String(Number(number.toFixed(1)));

export const ring = (x, y, colour) =>
  `<circle cx="${at(x)}" cy="${at(y)}" r="4" fill="none" stroke="${colour}" stroke-width="1.8"/>`;

/** 1, 2 or 5 times a power of 10, four to eight of which make the range. */
export function stepOf(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.8);
}

export function ticksOf(low, high) {
  const step = stepOf(low, high);
  const count = Math.round((high - low) / step);
  return Array.from({ length: count + 1 }, (_, i) => Number((low + i * step).toFixed(6)));
}

/** Writes pictures, by file name, to a folder of the repository; with --check, fails when they are not what is there. */
export function writePictures(folder, pictures, script) {
  const place = join(ROOT, folder);
  if (process.argv.includes('--check')) {
    const there = readdirSync(place).filter((file) => file.endsWith('.svg'));
    const same = (file) => there.includes(file) && readFileSync(join(place, file), 'utf8') === pictures.get(file);
    const wrong = [...new Set([...pictures.keys(), ...there])].filter((file) => !pictures.has(file) || !same(file));
    if (wrong.length > 0) {
      console.error(`${folder}: ${wrong.join(', ')}: not what node ${script} draws`);
      process.exitCode = 1;
    }
  } else {
    mkdirSync(place, { recursive: true });
    for (const [file, svg] of pictures) writeWhole(join(place, file), svg);
    console.log(`${pictures.size} pictures in ${folder}`);
  }
}
