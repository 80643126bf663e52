/** Which backends are available, and how each is started. */
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from 'softseg';
import { BACKENDS, type Backend } from './messages.js';

/** The part of WebGPU used here, which TypeScript's library lacks. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

const isAvailable: Record<Backend, () => boolean | Promise<boolean>> = {
  async webgpu() {
    const { gpu } = navigator as Navigator & { gpu?: Gpu };
    return gpu !== undefined && (await gpu.requestAdapter()) !== null;
  },
  webgl: () => typeof OffscreenCanvas !== 'undefined' && new OffscreenCanvas(1, 1).getContext('webgl2') !== null,
  wasm: () => typeof WebAssembly !== 'undefined',
};

export async function availableBackends(): Promise<Backend[]> {
  const available = await Promise.all(BACKENDS.map(async (name) => isAvailable[name]()));
  return BACKENDS.filter((_, i) => available[i]);
}

const register: Record<Backend, () => Promise<unknown>> = {
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
  webgl: () => import('@tensorflow/tfjs-backend-webgl'),
  async wasm() {
    const { startWasm } = await import('./wasm.js');
    startWasm();
    enableWasmTraining();
  },
};

export async function startBackend(name: Backend): Promise<void> {
  await register[name]();
  if (!(await tf.setBackend(name))) throw new Error(`${name} did not start`);
  await tf.ready();
}
