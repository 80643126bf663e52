/** Puts every test file in a page on its project's backend; fails it for a tensor left over, or a complaint of the GPU. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { checkValues, enableWasmTraining, kernelsInUse, useKernels } from '../../../src/index.js';

declare const TEST_BACKEND: 'webgpu' | 'webgl' | 'wasm';
declare const TEST_KERNELS: 'fused' | 'composed';
declare const TEST_ISOLATED: boolean;

/** What the GPU refused: tfjs hears nothing of it, and would go on with zeros. */
const complaints: string[] = [];
/** Until then complaints may come. */
let workDone: () => Promise<unknown> = async () => {};

interface Device extends EventTarget {
  lost: Promise<{ message: string }>;
  queue: { onSubmittedWorkDone(): Promise<unknown> };
}

beforeAll(async () => {
  setWasmPaths('/wasm/');
  enableWasmTraining();
  await tf.setBackend(TEST_BACKEND);
  await tf.ready();
  if (tf.getBackend() !== TEST_BACKEND) throw new Error(`the ${TEST_BACKEND} backend does not run here`);
  if (TEST_BACKEND === 'webgpu') {
    // Checks that follow later hold tensors until then, which tests of what is kept would count.
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
  const fused = { webgpu: 'fused webgpu', webgl: 'composed', wasm: 'fused wasm' }[TEST_BACKEND];
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
