/** Puts every test file on its project's backend, and fails it if a tensor is left over at its end. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';

import { checkValues, kernelsInUse, useKernels } from '../../src/index.js';
import { useFusedPasses } from '../../src/kernels/select.js';
import { tensorflowPasses, type TensorflowBackend } from '../../src/kernels/tensorflow/passes.js';
import { readOrCompute } from './oracleMemory.js';

declare const TEST_BACKEND: 'cpu' | 'wasm' | 'tensorflow';
declare const TEST_KERNELS: 'fused' | 'composed';
/** The compiled op, as `npm run provision` has made it. */
declare const TEST_OP: string | null;

globalThis.oracleMemory = readOrCompute;

// The cpu backend recommends tfjs-node when it runs in Node, which every test file would print.
const warn = console.warn;
console.warn = (...words: unknown[]) => {
  if (!String(words[0]).includes('running TensorFlow.js in Node.js')) warn(...words);
};

beforeAll(async () => {
  if (TEST_BACKEND === 'wasm') require('@tensorflow/tfjs-backend-wasm');
  if (TEST_BACKEND === 'tensorflow') require('@tensorflow/tfjs-node');
  await tf.setBackend(TEST_BACKEND);
  await tf.ready();
  // A backend that is missing must not pass as another one.
  if (tf.getBackend() !== TEST_BACKEND) throw new Error(`the ${TEST_BACKEND} backend does not run here`);
  if (TEST_KERNELS === 'composed') useKernels('composed');
  else if (TEST_BACKEND === 'tensorflow') startOp();
  // Nor must kernels that are missing.
  const expected = { cpu: 'fused wasm', wasm: 'fused wasm', tensorflow: 'fused native' }[TEST_BACKEND];
  expect(kernelsInUse()).toBe(TEST_KERNELS === 'composed' ? 'composed' : expected);
});

function startOp(): void {
  if (!TEST_OP) throw new Error("softseg's op is not compiled: run `npm run build && npm run provision`");
  require(TEST_OP);
  useFusedPasses('tensorflow', tf.backend(), tensorflowPasses(tf.backend() as unknown as TensorflowBackend));
}

beforeEach(() => {
  // Each test begins with no kind of calls checked, whatever ran before it.
  checkValues('first');
  tf.engine().startScope();
});

afterEach(() => {
  tf.engine().endScope();
});

afterAll(() => {
  expect(tf.memory().numTensors).toBe(0);
});
