/** Gives every test file in a page its project's backend, and fails it for leftover tensors or errors of the GPU. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { checkValues, enableWasmTraining, kernelsInUse, useKernels } from '../../../src/index.js';

declare const TEST_BACKEND: 'webgpu' | 'webgl' | 'wasm';
declare const TEST_KERNELS: 'fused' | 'composed';
declare const TEST_ISOLATED: boolean;
declare const TEST_HALF: boolean;

/** Errors of the GPU. tfjs does not see them, and would go on with zeros. */
const complaints: string[] = [];
/** Waits for the GPU's work; complaints may come until then. */
let workDone: () => Promise<unknown> = async () => {};

interface Device extends EventTarget {
  lost: Promise<{ message: string }>;
  queue: { onSubmittedWorkDone(): Promise<unknown> };
}

beforeAll(async () => {
  setWasmPaths('/wasm/');
  enableWasmTraining();
  // Textures of float16, as many phones have them.
  if (TEST_HALF) tf.env().set('WEBGL_FORCE_F16_TEXTURES', true);
  await tf.setBackend(TEST_BACKEND);
  if (TEST_HALF) expect(tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')).toBe(false);
  await tf.ready();
  if (tf.getBackend() !== TEST_BACKEND) throw new Error(`the ${TEST_BACKEND} backend does not run here`);
  if (TEST_BACKEND === 'webgpu') {
    // Delayed checks hold tensors until they run, and tests that count tensors would see those.
    checkValues('never');
    const { device } = tf.backend() as unknown as { device: Device };
    workDone = () => device.queue.onSubmittedWorkDone();
    void device.lost.then(({ message }) => complaints.push(`the device is lost: ${message}`));
    device.addEventListener('uncapturederror', (event) =>
      complaints.push((event as unknown as { error: Error }).error.message),
    );
  }
  expect(globalThis.crossOriginIsolated).toBe(TEST_ISOLATED);
  if (TEST_BACKEND === 'wasm') {
    const { wasm } = tf.backend() as unknown as { wasm: { wasmMemory?: WebAssembly.Memory } };
    expect(Boolean(wasm.wasmMemory)).toBe(TEST_ISOLATED);
  }
  if (TEST_KERNELS === 'composed') useKernels('composed');
  const fused = { webgpu: 'fused webgpu', webgl: 'fused webgl', wasm: 'fused wasm' }[TEST_BACKEND];
  expect(kernelsInUse()).toBe(TEST_KERNELS === 'composed' ? 'composed' : fused);
});

beforeEach(() => {
  tf.engine().startScope();
});

afterEach(async () => {
  tf.engine().endScope();
  await workDone();
  expect(complaints.splice(0)).toEqual([]);
});

afterAll(() => {
  expect(tf.memory().numTensors).toBe(0);
});
