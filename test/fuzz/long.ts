/** Long runs: `npm run fuzz`. Progress and failures go to stderr. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';
import * as softseg from '../../src/index.js';
import { prepareForTfjsNode } from '../../src/backend/patchNodeUtil.js';
import { useFusedPasses } from '../../src/kernels/select.js';
import { tensorflowPasses, type TensorflowBackend } from '../../src/kernels/tensorflow/passes.js';
import { counters, Failure } from './check.js';
import { describe, fuzz, signatureOf } from './runner.js';
import { SUBJECTS } from './subjects/index.js';

/** The options that scripts/fuzz.js describes, and the path of softseg's own op for the backend tensorflow. */
interface Settings {
  minutes: number;
  backend: string;
  kernels: string;
  only?: string[];
  seed?: number;
  path?: string;
  fitting: boolean;
  op?: string;
}

const settings = JSON.parse(process.argv[2]!) as Settings;

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
  if (settings.kernels === 'composed') return softseg.useKernels('composed');
  if (name !== 'tensorflow') return;
  const { createRequire } = await import('node:module');
  createRequire(import.meta.url)(settings.op!);
  useFusedPasses('tensorflow', tf.backend(), tensorflowPasses(tf.backend() as unknown as TensorflowBackend));
}

async function main(): Promise<void> {
  await startBackend(settings.backend);
  const seed = settings.seed ?? Math.floor(Math.random() * 2 ** 31);
  const log = (text: string) => process.stderr.write(`${text}\n`);
  log(`fuzzing ${settings.backend} (${softseg.kernelsInUse()}), seed ${seed}`);
  const subjects = SUBJECTS.filter(({ fn }) => settings.only?.includes(fn) ?? true);
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
  const replay = settings.path !== undefined;
  for (let round = 0; replay ? round < 1 : Date.now() - start < settings.minutes * 60_000; round++) {
    for (const subject of subjects) {
      const runs = Math.max(1, Math.round((RUNS * (subject.share ?? 100)) / 100));
      const report = await fuzz(subject, {
        seed: seed + round,
        runs,
        known,
        fitting: settings.fitting,
        ...(replay && { path: settings.path! }),
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
