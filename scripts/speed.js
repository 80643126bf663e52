// The tables of docs/guide/speed.md, from bench/results/full.json.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shapeName } from '../bench/cases.js';
import { fasterTorch, mainThreads } from '../bench/ratios.js';
import { withGeneratedPart } from './generatedPart.js';
import { pageTable } from './table.js';
import { writeWhole } from './writeWhole.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(ROOT, 'docs/guide/speed.md');
const RESULTS = join(ROOT, 'bench/results/full.json');

const ms = (value) => (value === undefined ? '-' : value.toFixed(value < 10 ? 1 : 0));

/** A table with a row for each loss and kind of labels, and a column for each shape. */
function table(run) {
  const shapes = [...new Set(run.rows.map(({ shape }) => shapeName(shape)))];
  const names = [...new Set(run.rows.map(nameOf))];
  const cell = (name, shape) => {
    const row = run.rows.find((other) => nameOf(other) === name && shapeName(other.shape) === shape);
    if (!row?.results) return '-';
    const { softseg, plain } = row.results;
    return `**${ms(softseg.median)}** (${ms(plain.median)}, ${ms(fasterTorch(row, mainThreads(run)))})`;
  };
  return pageTable(
    ['loss, labels', ...shapes],
    names.map((name) => [name, ...shapes.map((shape) => cell(name, shape))]),
  );
}

const nameOf = ({ loss, labels }) => `\`${loss}\`, ${labels}`;

const counted = (threads) => `${threads} thread${threads > 1 ? 's' : ''}`;

function section(run) {
  const { backend, version, kernels, threads } = run.engine;
  const own = `${backend} ${version} on ${counted(threads)}, with the kernels \`${kernels}\``;
  const other = run.torch ? `; PyTorch ${run.torch.version} on ${counted(mainThreads(run))}` : '';
  return [`## On ${backend}`, `${own}${other}.`, table(run)].join('\n\n');
}

/** Writes the tables; with `check` it writes nothing, and fails the process unless the page has these tables. */
export function writeSpeedTables({ check }) {
  const { runs, machine, started } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const { processor, cores, node } = machine;
  const measured = `Measured on ${processor} with ${cores} cores, Node ${node}, ${started.slice(0, 10)}.`;
  const page = readFileSync(PAGE, 'utf8');
  const wanted = withGeneratedPart('docs/guide/speed.md', page, [measured, ...runs.map(section)].join('\n\n'));
  if (!check) {
    writeWhole(PAGE, wanted);
    console.log('the tables in docs/guide/speed.md');
  } else if (wanted !== page) {
    console.error('docs/guide/speed.md: its tables are not what npm run pictures makes of bench/results/full.json');
    process.exitCode = 1;
  }
}
