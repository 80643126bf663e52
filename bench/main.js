// npm run bench: times the losses of softseg next to plain tfjs ops and PyTorch. See README.md here.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProgressLine } from 'softseg/node';
import { UsageError } from '../scripts/options.js';
import { BACKENDS, LABELS, LOSSES, QUICK, SHAPES, shapeName } from './cases.js';
import { endAll, runModule } from './children.js';
import { writeData } from './data.js';
import { busyCores, commit, machine } from './machine.js';
import { measureMemory } from './memory.js';
import { benchOptions } from './options.js';
import { picture } from './picture.js';
import { legend, memoryTable, timesTable } from './table.js';
import { python } from './torch.js';
import { makeFolder, writeFile } from './write.js';

/**
 * The limits of each row: seconds in all, the smallest and largest number of rounds, and how many ms (`slow`) make one
 * run enough.
 */
const TIMING = {
  full: { seconds: 4, least: 5, most: 40, slow: 1500 },
  quick: { seconds: 0.7, least: 3, most: 10, slow: 500 },
};
/** Figures are unreliable while more cores than this are busy with other work. */
const BUSY = 0.2;

const progress = new ProgressLine(process.stderr);
const folder = mkdtempSync(join(tmpdir(), 'softseg-bench-'));
let results = null;

process.on('exit', () => {
  endAll();
  rmSync(folder, { recursive: true, force: true });
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    progress.done(
      results?.path ? `stopped; the results so far are in ${results.path}` : 'stopped before the first result',
    );
    process.exit(code);
  });
}

async function main() {
  const options = benchOptions();
  const backends = options.backends ?? BACKENDS;
  const timing = { ...TIMING[options.quick ? 'quick' : 'full'] };
  if (options.repeats) {
    timing.most = options.repeats;
    timing.least = Math.min(timing.least, options.repeats);
  }
  makeFolder(options.out);
  results = resultsFile(options);
  for (const backend of backends) {
    const { shapes, losses } = selection(options, backend);
    for (const shape of shapes) {
      progress.update(`data ${shapeName(shape)}`);
      writeData(folder, shape);
    }
    const run = await measureBackend({ backend, shapes, losses, labels: LABELS, folder, timing });
    if (run && run.rows.length > 0) {
      await measureMemory(run, {
        kinds: options.quick ? ['soft'] : LABELS,
        folder,
        onProgress: (fraction) => progress.update(`${backend} memory`, fraction),
      });
      results.write();
      print(run, shapes);
    }
  }
  results.content.finished = new Date().toISOString();
  results.write();
  progress.done();
  const drawn = results.content.runs.some(({ rows }) => rows.some((row) => row.results));
  if (drawn) console.log(`picture: ${writeFile(options.out, `${results.name}.svg`, picture(results.content))}`);
  console.log(`figures: ${results.path}`);
  if (results.content.runs.some((run) => run.failed || run.rows.some((row) => row.error))) process.exitCode = 1;
}

/** The shapes and losses asked for; otherwise those of --quick; otherwise all. */
function selection({ quick, shapes, losses }, backend) {
  const all = quick ? QUICK[backend] : { shapes: SHAPES, losses: LOSSES };
  return { shapes: shapes ?? all.shapes, losses: losses ?? all.losses };
}

/** The results so far, in a file that is complete JSON at any time. */
function resultsFile({ quick, backends, shapes, losses, out }) {
  const name = backends || shapes || losses ? 'selection' : quick ? 'quick' : 'full';
  const content = {
    started: new Date().toISOString(),
    finished: null,
    commit: commit(),
    machine: machine(),
    unit: 'milliseconds of forward + backward',
    runs: [],
  };
  const write = () => (file.path = writeFile(out, `${name}.json`, `${JSON.stringify(content, null, 2)}\n`));
  const file = { name, content, write, path: undefined };
  return file;
}

/** Measures one backend in a process of its own. Each row is written to the results as it comes. */
async function measureBackend(job) {
  const { backend } = job;
  let run = null;
  let unavailable = false;
  let done = false;
  const failed = (why) => {
    progress.note(`${backend} stopped: ${why}`);
    run ??= started({ engine: { backend }, torch: null });
    run.failed = why;
  };
  const started = ({ engine, torch }) => {
    const it = { engine, torch, busyCoresBefore: busy, rows: [], memory: [] };
    results.content.runs.push(it);
    return it;
  };
  progress.update(backend, 0, 'starting');
  const busy = await busyCores();
  if (busy > BUSY) {
    progress.note(
      `${busy} of ${availableParallelism()} cores are busy with other work, so the ratios to PyTorch are unreliable`,
    );
  }
  const { ended, last } = await runModule('measure.js', job, (message) => {
    if (message.type === 'unavailable') {
      unavailable = true;
      progress.note(`${backend} is left out: ${message.why}`);
    } else if (message.type === 'started') {
      run = started(message);
      if (message.torchMissing) noteTorch(message.torchMissing);
    } else if (message.type === 'progress') {
      progress.update(backend, message.fraction, message.detail);
    } else if (message.type === 'row') {
      run.rows.push(message.row);
      if (message.row.error)
        progress.note(`${backend} ${shapeName(message.row.shape)} ${message.row.loss}: ${message.row.error}`);
      results.write();
    } else if (message.type === 'failed') {
      done = true;
      failed(message.why);
    } else {
      done = true;
    }
  });
  if (!done && !unavailable) failed(`its process ended (${ended})${last ? `: ${last}` : ''}`);
  results.write();
  return run;
}

let noted = false;
function noteTorch(why) {
  if (noted) return;
  noted = true;
  progress.note(
    `PyTorch is left out: ${why}. To include it, run \`${python()} -m pip install torch\`, ` +
      'or set SOFTSEG_PYTHON to the path of a Python that has it.',
  );
}

function print(run, shapes) {
  progress.done();
  console.log(`\n${legend(run)}\n`);
  const distinct = new Map(shapes.map((shape) => [shapeName(shape), shape]));
  for (const shape of distinct.values()) {
    if (run.rows.some((row) => shapeName(row.shape) === shapeName(shape))) console.log(timesTable(run, shape));
  }
  console.log(memoryTable(run));
}

try {
  await main();
} catch (error) {
  progress.done();
  console.error(`bench: ${error instanceof UsageError ? error.message : error.stack}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
