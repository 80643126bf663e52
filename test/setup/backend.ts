/** Puts every test file on its project's backend, and fails it if a tensor is left over at its end. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs';

declare const TEST_BACKEND: 'cpu' | 'wasm' | 'tensorflow';

// What the cpu backend says in Node about tfjs-node, in every test file.
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
});

beforeEach(() => {
  tf.engine().startScope();
});

afterEach(() => {
  tf.engine().endScope();
});

afterAll(() => {
  expect(tf.memory().numTensors).toBe(0);
});
