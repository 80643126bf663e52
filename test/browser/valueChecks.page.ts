/** Value checks in a page: at once on most backends; on webgpu, while the program goes on. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, crossEntropyLoss } from '../../src/index.js';
import { MeanIou } from '../../src/metrics/index.js';

declare const TEST_BACKEND: 'webgpu' | 'webgl' | 'wasm';

const labels = (value: number) => tf.mul(tf.ones([1, 4, 1]), value);
const logits = () => tf.mul(tf.tensor([2, -1, 3, 0.5], [1, 4, 1]), 1);
const WRONG = 'labels hold 255: divide by 255, or map colours to classes';

test('a mask of 0 and 255 is refused', async () => {
  checkValues('first');
  const { error } = console;
  const reported = new Promise<unknown>((resolve) => (console.error = resolve));
  const before = tf.memory().numTensors;
  const wrong = () => tf.tidy(() => crossEntropyLoss(labels(255), logits()).dispose());
  try {
    if (TEST_BACKEND === 'webgpu') {
      wrong();
      expect(String(await reported)).toContain(WRONG);
    }
    expect(wrong).toThrow(WRONG);
  } finally {
    console.error = error;
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('an accumulator refuses it in updateAsync', async () => {
  checkValues('first');
  let message = '';
  await new MeanIou().updateAsync(labels(255), logits()).catch((error: Error) => (message = error.message));
  expect(message).toContain(WRONG);
});
