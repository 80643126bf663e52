/**
 * Value checks on a backend that cannot be read synchronously, such as WebGPU: they finish while the program goes on.
 */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  checkValues,
  crossEntropyLoss,
  iouLoss,
  kernelsInUse,
  useKernels,
  type KernelChoice,
} from '../../src/index.js';
import { MeanIou } from '../../src/metrics/index.js';
import * as reading from '../../src/ops/canReadAtOnce.js';

const WRONG = 'labels must lie in [0, 1], got 255 at sample 0, position [0]; labels hold 255: divide by 255';
const labels = (value: number) => tf.tensor([value, 0, value, 0], [1, 4, 1]);
const logits = () => tf.tensor([2, -1, 3, 0.5], [1, 4, 1]);
/** Waits until all pending work is done. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

const errors: unknown[] = [];
let chosen: KernelChoice;
beforeEach(() => {
  checkValues('first');
  // Such a backend cannot read sums synchronously either.
  chosen = kernelsInUse() === 'composed' ? 'composed' : 'auto';
  useKernels('composed');
  jest.spyOn(reading, 'canReadAtOnce').mockReturnValue(false);
  jest.spyOn(console, 'error').mockImplementation((error) => void errors.push(error));
});
afterEach(() => {
  jest.restoreAllMocks();
  useKernels(chosen);
  checkValues('first');
});

test('a fault is reported, then thrown by the next call of its kind, and then checked again', async () => {
  for (let i = 0; i < 2; i++) {
    const before = tf.memory().numTensors;
    const t = labels(255);
    const z = logits();
    checkValues('first');
    crossEntropyLoss(t, z).dispose(); // the values are not known yet
    tf.dispose([t, z]);
    await settled();
    expect(tf.memory().numTensors).toBe(before);
    expect(String(errors.splice(0))).toContain(WRONG);
  }
  expect(() => crossEntropyLoss(labels(1), logits())).toThrow(WRONG);
  crossEntropyLoss(labels(1), logits());
  await settled();
  expect(errors).toEqual([]);
  crossEntropyLoss(labels(1), logits());
});

test('calls of other kinds go on, and checkValues forgets the fault', async () => {
  crossEntropyLoss(labels(255), logits());
  await settled();
  expect(errors.splice(0)).toHaveLength(1);
  expect(() => iouLoss(labels(1), logits())).not.toThrow();
  checkValues('first');
  expect(() => crossEntropyLoss(labels(1), logits())).not.toThrow();
  await settled();
  expect(errors).toEqual([]);
});

test('only one check of a kind is pending, and none is on the tape', async () => {
  const t = labels(255);
  const gradient = () => tf.grad((z) => crossEntropyLoss(t, z))(logits());
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) gradient().dispose();
  await settled();
  expect(errors.splice(0)).toHaveLength(1);
  // Only the logits of each call remain.
  expect(tf.memory().numTensors).toBe(before + 3);
});

test('an accumulator that waits for its values refuses the update itself', async () => {
  const scores = new MeanIou();
  await expect(scores.updateAsync(labels(255), logits())).rejects.toThrow(WRONG);
  expect(scores.samples).toBe(0);
  await scores.updateAsync(labels(1), logits());
  expect(scores.samples).toBe(1);
  expect(errors).toEqual([]);
});
