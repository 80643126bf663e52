/** The backends that are there, and how each is started. */
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from 'softseg';
import { BACKENDS, type Backend } from './messages.js';

/** What TypeScript's library does not know of WebGPU, as far as it is used here. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

const isThere: Record<Backend, () => boolean | Promise<boolean>> = {
  async webgpu() {
    const { gpu } = navigator as Navigator & { gpu?: Gpu };
    return gpu !== undefined && (await gpu.requestAdapter()) !== null;
  },
  webgl: () => typeof OffscreenCanvas !== 'undefined' && new OffscreenCanvas(1, 1).getContext('webgl2') !== null,
  wasm: () => typeof WebAssembly !== 'undefined',
};

export async function backendsThere(): Promise<Backend[]> {
  const there = await Promise.all(BACKENDS.map(async (name) => isThere[name]()));
  return BACKENDS.filter((_, i) => there[i]);
}

const bring: Record<Backend, () => Promise<unknown>> = {
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
  webgl: () => import('@tensorflow/tfjs-backend-webgl'),
  async wasm() {
    const { startWasm } = await import('./wasm.js');
    startWasm();
    enableWasmTraining();
  },
};

export async function startBackend(name: Backend): Promise<void> {
  await bring[name]();
  if (!(await tf.setBackend(name))) throw new Error(`${name} did not start`);
  await tf.ready();
}
