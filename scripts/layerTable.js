// The table of docs/gpus.md, from test/support/layerVerdicts.json, which the tests of layer kinds compare with what
// tfjs does.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withGeneratedPart } from './generatedPart.js';
import { pageTable } from './table.js';
import { writeWhole } from './writeWhole.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NAME = 'docs/gpus.md';
const PAGE = join(ROOT, NAME);

/** The columns, by the names of backends. */
const COLUMNS = { webgpu: 'webgpu', webgl: 'webgl', wasm: 'wasm', cpu: 'cpu', tensorflow: 'native' };
/** Marks what enableWasmTraining mends. */
const MENDED = '¹';

export function writeLayerTable({ check }) {
  const verdicts = JSON.parse(readFileSync(join(ROOT, 'test/support/layerVerdicts.json'), 'utf8'));
  const kinds = Object.entries(verdicts);
  const rows = kinds
    .filter(([, byBackend]) => Object.keys(byBackend).length > 0)
    .map(([kind, byBackend]) => [
      kind,
      ...Object.keys(COLUMNS).map((backend) => cell(byBackend[backend])),
      reason(Object.values(byBackend).map(([alone]) => alone)),
    ]);
  const fine = kinds.filter(([, byBackend]) => Object.keys(byBackend).length === 0).map(([kind]) => kind);
  const table = pageTable(['layer', ...Object.values(COLUMNS), 'what tfjs says'], rows);
  const page = readFileSync(PAGE, 'utf8');
  const rest = wrapped(`Trained on every backend: ${fine.join('; ')}.`);
  const wanted = withGeneratedPart(NAME, page, [table, rest].join('\n\n'));
  if (wanted === page) return;
  if (check) {
    console.error(`${NAME}: its table is not what npm run pictures makes of test/support/layerVerdicts.json`);
    process.exitCode = 1;
  } else {
    writeWhole(PAGE, wanted);
    console.log(`the table in ${NAME}`);
  }
}

/** The cell for a backend, from the result with tfjs alone and that after enableWasmTraining(). */
function cell([alone, enabled] = ['trains']) {
  const shown = alone === 'trains' || alone === 'wrong values' ? alone : 'throws';
  return enabled === 'trains' ? `${shown}${MENDED}` : shown;
}

/** The first error. */
function reason(results) {
  const error = results.find((result) => result !== 'wrong values');
  return error ? error.replace(/^(Error in|Cannot compute) gradient[^:]*: /, '').replaceAll('|', '\\|') : '';
}

/** The text in lines that fit. */
function wrapped(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > 120) lines.push(word);
    else lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.join('\n');
}
