// Writes the tables of docs/guide/speed.md from bench/results/full.json. With --check it fails if they differ.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shapeName } from '../bench/cases.js';
import { fasterTorch, mainThreads } from '../bench/ratios.js';
import { writeWhole } from './writeWhole.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(ROOT, 'docs/guide/speed.md');
const RESULTS = join(ROOT, 'bench/results/full.json');
/** This script writes the text between these two comments. */
const GENERATED = /(<!-- what follows is written by .* -->\n)[\s\S]*(<!-- until here -->)/;

const ms = (value) => (value === undefined ? '-' : value.toFixed(value < 10 ? 1 : 0));

/** A table with a row for each loss and kind of labels, and a column for each shape. */
function table(run) {
  const shapes = [...new Set(run.rows.map(({ shape }) => shapeName(shape)))];
  const names = [...new Set(run.rows.map(nameOf))];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const cell = (name, shape) => {
    const row = run.rows.find((other) => nameOf(other) === name && shapeName(other.shape) === shape);
    if (!row?.results) return '';
    const { softseg, plain } = row.results;
    return `**${ms(softseg.median)}** (${ms(plain.median)}, ${ms(fasterTorch(row, mainThreads(run)))})`;
  };
  return [
    line(['loss, labels', ...shapes]),
    line(['---', ...shapes.map(() => '---')]),
    ...names.map((name) => line([name, ...shapes.map((shape) => cell(name, shape))])),
  ].join('\n');
}

const nameOf = ({ loss, labels }) => `\`${loss}\`, ${labels}`;

function section(run) {
  const { backend, version, kernels, threads } = run.engine;
  const own = `${backend} ${version} on ${threads} thread${threads > 1 ? 's' : ''}, ${kernels}`;
  const other = run.torch ? `; PyTorch ${run.torch.version} on ${mainThreads(run)}` : '';
  return [`## On ${backend}`, `${own}${other}.`, table(run)].join('\n\n');
}

const { runs, machine, started } = JSON.parse(readFileSync(RESULTS, 'utf8'));
const date = started.slice(0, 10);
const measured = `Measured on ${machine.processor} with ${machine.cores} cores, Node ${machine.node}, ${date}.`;
const ours = `\n${[measured, ...runs.map(section)].join('\n\n')}\n\n`;
const page = readFileSync(PAGE, 'utf8');
const wanted = page.replace(GENERATED, (_, begin, end) => begin + ours + end);

if (!process.argv.includes('--check')) {
  writeWhole(PAGE, wanted);
  console.log('wrote the tables in docs/guide/speed.md');
} else if (wanted !== page) {
  console.error('docs/guide/speed.md: the tables differ from bench/results/full.json: run `node scripts/speed.js`');
  process.exitCode = 1;
}
