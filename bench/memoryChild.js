// One run of one variant in a fresh process that memory.js starts: measures how far its resident memory rises above
// that with a warm backend and the inputs in place and, on wasm, how far the heap grows.
import { readFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { load } from 'softseg/node';
import { run, tensorsOf } from './runs.js';

process.on('disconnect', () => process.exit());
process.once('message', async (job) => {
  const answer = await measure(job).catch((error) => ({ why: error.message }));
  process.send(answer, () => process.disconnect());
});

async function measure({ backend, variant, shape, loss, labels, folder }) {
  await load(backend);
  warmUp(variant, shape, loss, labels);
  const tensors = tensorsOf(folder, shape, [labels]);
  for (const tensor of Object.values(tensors)) tf.dispose(tf.slice(tensor, 0, 1)); // puts the inputs into the backend
  globalThis.gc?.();
  const heap = wasmHeap();
  const start = resident();
  forgetPeak();
  run(variant, loss, tensors[labels], tensors.logits);
  return {
    residentBytes: Math.max(0, peakResident() - start),
    wasmHeapBytes: heap === null ? undefined : wasmHeap() - heap,
  };
}

/** Creates threads, compiled code and tables before memory is measured. */
function warmUp(variant, shape, loss, labels) {
  const small = shape.map((size, axis) => (axis === shape.length - 1 ? size : axis === 0 ? 1 : 8));
  tf.tidy(() => {
    const y = labels === 'soft' ? tf.fill(small, 1 / shape.at(-1)) : tf.zeros(small.slice(0, -1), 'int32');
    run(variant, loss, y, tf.randomNormal(small));
  });
}

const wasmHeap = () => tf.backend().wasm?.HEAPU8.buffer.byteLength ?? null;

const status = (field) =>
  Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status'))[1]) * 1024;
const linux = process.platform === 'linux';
const resident = () => (linux ? status('VmRSS') : process.memoryUsage.rss());
const peakResident = () => (linux ? status('VmHWM') : process.resourceUsage().maxRSS * 1024);
/** Resets the peak on Linux; elsewhere an earlier, higher peak hides this one. */
function forgetPeak() {
  if (linux) writeFileSync('/proc/self/clear_refs', '5');
}
