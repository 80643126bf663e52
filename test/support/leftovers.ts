import { expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

/** Runs it once, and then five times more, after which the backend must not hold anything more. */
export function expectNothingLeft(run: () => void): void {
  run();
  const data = () => (tf.backend() as { numDataIds(): number }).numDataIds();
  const [tensors, ids] = [tf.memory().numTensors, data()];
  for (let i = 0; i < 5; i++) run();
  expect(tf.memory().numTensors).toBe(tensors);
  expect(data()).toBe(ids);
}
