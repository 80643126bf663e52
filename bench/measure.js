// One backend, in a process of its own that main.js starts: times every row with interleaved runs of all variants, and
// sends each row when it is done. PyTorch runs in another process, which waits while others run.
import { readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { kernelsInUse } from 'softseg';
import { load } from 'softseg/node';
import { fileName, rowsOf, shapeName } from './cases.js';
import { inspect, run, tensorsOf, tfjsVariants } from './runs.js';
import { startTorch } from './torch.js';

/**
 * Relative tolerances of values. tf.sum adds one float32 after the other: on native along pixels, on wasm along every
 * axis. Over a million values and more, plain ops are therefore off by up to 2e-4 on native and 2e-3 on wasm. Their
 * gradients are not.
 */
const tolerances = (backend) => ({ plain: backend === 'wasm' ? 5e-3 : 1e-3, composed: 1e-4, torch: 1e-4 });
/** The tolerance of gradients: Σ|g - g'| / Σ|g|. */
const GRADIENT_TOLERANCE = 1e-3;

/** Milliseconds of rest before a turn. */
const REST = 5;

const send = (message) => new Promise((resolve) => process.send(message, resolve));

process.on('disconnect', () => process.exit()); // main.js has ended, or has received everything
process.once('message', async (job) => {
  try {
    await measure(job);
    await send({ type: 'done' });
  } catch (error) {
    await send({ type: 'failed', why: error.message });
  }
  process.disconnect();
});

async function measure(job) {
  let engine;
  try {
    engine = await load(job.backend);
  } catch (error) {
    return send({ type: 'unavailable', why: error.reason ?? error.message });
  }
  let torch = null;
  let torchMissing;
  try {
    torch = await startTorch();
  } catch (error) {
    torchMissing = error.message;
  }
  const variants = tfjsVariants();
  const threads = threadsOf(job.backend);
  await send({
    type: 'started',
    engine: {
      backend: job.backend,
      version: engine.version,
      tfjs: tf.version['tfjs-core'],
      kernels: kernelsInUse(),
      threads: threads[0],
    },
    torch: torch && { version: torch.version, python: torch.python, threads },
    torchMissing,
  });

  const rows = job.shapes.flatMap((shape) =>
    rowsOf(shape, job.losses).filter((row) => job.labels.includes(row.labels)),
  );
  let open = null;
  for (const [i, row] of rows.entries()) {
    const name = `${shapeName(row.shape)} ${row.loss}, ${row.labels}`;
    await send({ type: 'progress', fraction: i / rows.length, detail: name });
    if (open?.shape !== row.shape) {
      tf.dispose(open?.tensors);
      open = { shape: row.shape, tensors: tensorsOf(job.folder, row.shape, job.labels) };
      await torch?.ask({ do: 'open', folder: job.folder, file: fileName(row.shape), shape: row.shape });
    }
    const contenders = [
      ...variants.map((variant) => tfjsContender(variant, row, open.tensors)),
      ...(torch ? torchContenders(torch, row, threads, job.folder) : []),
    ];
    await send({ type: 'row', row: { ...row, ...(await timeRow(contenders, job.timing, tolerances(job.backend))) } });
  }
  torch?.stop();
}

/** The numbers of threads for PyTorch: as many as the backend has and, if that is one, also all cores. */
function threadsOf(backend) {
  const all = availableParallelism();
  return backend === 'native' ? [all] : [...new Set([1, all])];
}

/** A contender: `inspect` gives ms, value, gradient and perhaps peakBytes of one run, `run` only the ms. */
function tfjsContender(variant, { loss, labels }, tensors) {
  return {
    name: variant,
    kind: variant,
    inspect: () => inspect(variant, loss, tensors[labels], tensors.logits),
    run: () => run(variant, loss, tensors[labels], tensors.logits),
  };
}

function torchContenders(torch, { loss, labels }, allThreads, folder) {
  const gradient = join(folder, `gradient.${process.pid}`);
  return allThreads.flatMap((threads) =>
    ['first', 'last'].map((layout) => {
      const request = { loss, labels, layout, threads };
      return {
        name: `torch ${layout} ${threads}`,
        kind: 'torch',
        inspect: async () => {
          const answer = await torch.ask({ do: 'check', ...request, gradient });
          const bytes = readFileSync(gradient);
          rmSync(gradient);
          const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
          return { ...answer, gradient: values };
        },
        run: async () => (await torch.ask({ do: 'run', ...request })).ms,
      };
    }),
  );
}

/** Times all contenders of a row. The first one is softseg; the others must agree with it. */
async function timeRow(contenders, timing, tolerance) {
  const results = {};
  const disagreements = [];
  let ours;
  for (const contender of contenders) {
    const { ms, value, gradient, peakBytes } = await contender.inspect();
    const off = ours && disagreement(ours, { value, gradient }, tolerance[contender.kind]);
    if (off) disagreements.push(`${contender.name}: ${off}`);
    ours ??= { value, gradient };
    // The first run was a warm-up. If it took long it counts, and may be the only one.
    contender.slow = ms >= timing.slow;
    contender.samples = contender.slow ? [ms] : [];
    contender.estimate = contender.slow ? ms : await contender.run();
    results[contender.name] = { value, peakBytes };
  }
  if (disagreements.length > 0) return { value: ours.value, error: `values disagree: ${disagreements.join('; ')}` };

  const rounds = planRuns(contenders, timing);
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < contenders.length; k++) {
      const contender = contenders[(k + round) % contenders.length];
      const due = Math.floor(((round + 1) * contender.count) / rounds);
      if (due > Math.floor((round * contender.count) / rounds)) contender.samples.push(await turn(contender));
    }
  }
  for (const { name, samples } of contenders) Object.assign(results[name], summary(samples));
  return { value: ours.value, results };
}

/**
 * Times one run after an untimed one, so that memory and caches are as the contender itself left them. Before that, the
 * threads of the previous contender get time to sleep; those of OpenMP spin for some time after their work.
 */
async function turn(contender) {
  if (!contender.slow) {
    await setTimeout(REST);
    await contender.run();
  }
  return contender.run();
}

/**
 * Gives every contender its `count` of runs, and returns the number of rounds. All except slow ones run in each round.
 */
function planRuns(contenders, { seconds, least, most }) {
  const round = contenders.reduce((ms, { slow, estimate }) => ms + (slow ? 0 : REST + 2 * estimate), 0);
  const rounds = Math.min(most, Math.max(least, Math.floor((seconds * 1e3) / round)));
  for (const contender of contenders) {
    const share = Math.floor((seconds * 1e3) / contenders.length / contender.estimate);
    contender.count = contender.slow ? Math.min(rounds, share) : rounds;
  }
  return rounds;
}

function disagreement(ours, other, tolerance) {
  const byValue = Math.abs(other.value - ours.value) / Math.abs(ours.value);
  if (!(byValue <= tolerance)) return `${other.value} instead of ${ours.value}`;
  if (other.gradient.length !== ours.gradient.length) return `a gradient of ${other.gradient.length} values`;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < ours.gradient.length; i++) {
    difference += Math.abs(ours.gradient[i] - other.gradient[i]);
    size += Math.abs(ours.gradient[i]);
  }
  return difference <= GRADIENT_TOLERANCE * size
    ? null
    : `the gradient is off by ${(difference / size).toExponential(1)}`;
}

function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const quantile = (q) => {
    const place = q * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  };
  return { median: quantile(0.5), quartiles: [quantile(0.25), quantile(0.75)], least: sorted[0], runs: sorted.length };
}
