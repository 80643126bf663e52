import { expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';

/** Runs it once, then five more times, after which the backend must not hold more than before them. */
export function expectNothingLeft(run: () => void): void {
  run();
  const data = () => (tf.backend() as { numDataIds(): number }).numDataIds();
  const [tensors, ids] = [tf.memory().numTensors, data()];
  for (let i = 0; i < 5; i++) run();
  expect(tf.memory().numTensors).toBe(tensors);
  expect(data()).toBe(ids);
}
