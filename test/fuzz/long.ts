/** Long runs (`npm run fuzz`). Progress and failures go to stderr. */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';
import * as softseg from '../../src/index.js';
import { prepareForTfjsNode } from '../../src/backend/patchNodeUtil.js';
import { useFusedPasses } from '../../src/kernels/select.js';
import { tensorflowPasses, type TensorflowBackend } from '../../src/kernels/tensorflow/passes.js';
import { counters, Failure } from './check.js';
import { describe, fuzz, signatureOf } from './runner.js';
import { SUBJECTS } from './subjects/index.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'wasm' },
    kernels: { type: 'string', default: 'fused' },
    seed: { type: 'string' },
    path: { type: 'string' },
    only: { type: 'string' },
    op: { type: 'string' },
    fitting: { type: 'boolean', default: false },
  },
});

/** Consecutive runs of one subject. */
const RUNS = 40;

async function startBackend(name: string): Promise<void> {
  if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (name === 'tensorflow') {
    prepareForTfjsNode();
    await import('@tensorflow/tfjs-node');
  }
  if (!(await tf.setBackend(name))) throw new Error(`the backend ${name} does not run here`);
  await tf.ready();
  if (values.kernels === 'composed') return softseg.useKernels('composed');
  if (name !== 'tensorflow') return;
  const { createRequire } = await import('node:module');
  createRequire(import.meta.url)(values.op!);
  useFusedPasses('tensorflow', tf.backend(), tensorflowPasses(tf.backend() as unknown as TensorflowBackend));
}

async function main(): Promise<void> {
  await startBackend(values.backend!);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const log = (text: string) => process.stderr.write(`${text}\n`);
  log(`fuzzing ${values.backend} (${softseg.kernelsInUse()}), seed ${seed}`);
  const wanted = values.only?.split(',');
  const subjects = SUBJECTS.filter(({ fn }) => !wanted || wanted.includes(fn));
  const known = new Set<string>();
  const start = Date.now();
  let [shown, failures] = [start, 0];
  const progress = () => {
    const seconds = (Date.now() - start) / 1000;
    log(
      `${seconds.toFixed(0)} s: ${counters.calls} calls, ${(counters.calls / seconds).toFixed(0)}/s, ` +
        `${counters.values} values, ${counters.errors} errors, ${counters.gradients} gradients, ` +
        `${counters.oracle} by the oracle, ${failures} failures`,
    );
  };
  const replay = values.path !== undefined;
  for (let round = 0; replay ? round < 1 : Date.now() - start < Number(values.minutes) * 60_000; round++) {
    for (const subject of subjects) {
      const runs = Math.max(1, Math.round((RUNS * (subject.share ?? 100)) / 100));
      const report = await fuzz(subject, {
        seed: seed + round,
        runs,
        known,
        fitting: values.fitting,
        ...(replay && { path: values.path! }),
      });
      if (report) {
        failures++;
        known.add(signatureOf(subject.fn, new Failure(report.kind, report.message.slice(report.kind.length + 2))));
        log(`\n${describe(report)}\n`);
      }
      if (Date.now() - shown > 10_000) {
        shown = Date.now();
        progress();
      }
    }
  }
  progress();
  process.exitCode = failures > 0 ? 1 : 0;
}

await main();
