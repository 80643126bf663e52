/** The gradient of tf.gather, for which the wasm backend lacks tf.unsortedSegmentSum. */
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';

beforeAll(enableWasmTraining);

const indices = () => tf.tensor1d([2, 0, 2, 3], 'int32');

test.each([0, 1, 2])('gather along axis %i has a gradient', (axis) => {
  const x = tf.randomNormal([4, 5, 4], 0, 1, 'float32', 1);
  const choose = (t: tf.Tensor) => tf.gather(t, indices(), axis);
  const dy = tf.randomNormal(choose(x).shape, 0, 1, 'float32', 2);
  // Each value gets the sum of the gradients of its copies.
  const parts = tf.split(dy, 4, axis);
  const zeros = tf.zerosLike(parts[0]!);
  const slots = Array.from({ length: x.shape[axis]! }, () => zeros);
  [2, 0, 2, 3].forEach((index, i) => (slots[index] = tf.add(slots[index]!, parts[i]!)));
  expectClose(tf.grad(choose)(x, dy), tf.concat(slots, axis));
});

test('unsortedSegmentSum leaves out rows of segments that do not exist', () => {
  const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
  const sums = tf.unsortedSegmentSum(x, tf.tensor1d([1, -1, 1], 'int32'), 3);
  expect(sums.arraySync()).toEqual([
    [0, 0],
    [6, 8],
    [0, 0],
  ]);
});

test('the gradient of gather leaves no tensor and no data behind', () => {
  expectNothingLeft(() =>
    tf.tidy(() => {
      tf.grad((x) => tf.gather(x, indices()))(tf.ones([4, 3]));
    }),
  );
});
