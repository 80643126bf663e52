/** Rules that the compiler keeps; `npm run types` checks it. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { axisFromFront, checkAxis } from '../../src/checks.js';
import { layoutOf } from '../../src/kernels/layout.js';
import { softmaxAlong } from '../../src/ops/activations.js';

const shape = [2, 3, 4];
const option: number = -1;

test('an option is no axis before it is checked', () => {
  const z = tf.zeros([2, 3, 4]);
  const checked = checkAxis(option, shape);
  expect(checked).toBe(2);
  expect(softmaxAlong(z, 1, checked).shape).toEqual(shape);
  // @ts-expect-error it may count from the end, where tf.transpose takes no such axis
  expect(() => softmaxAlong(z, 1, option)).toThrow();
  // @ts-expect-error nor is a number that code has made up
  expect(softmaxAlong(z, 1, shape.length - 1).shape).toEqual(shape);
});

test('an axis that may be the batch is none of classes', () => {
  expect(layoutOf(shape, checkAxis(option, shape, 'axis', 1)).classes).toBe(4);
  // @ts-expect-error 0 passes this check
  expect(layoutOf(shape, checkAxis(0, shape)).classes).toBe(2);
  // @ts-expect-error an option
  expect(layoutOf(shape, option).classes).toBeUndefined();
  const front = axisFromFront(1, 3, 1);
  // @ts-expect-error there may be none
  expect(layoutOf(shape, front).classes).toBe(3);
});

test('an axis counts from the front, and there is none outside of the shape', () => {
  expect([-3, -1, 0, 2].map((axis) => axisFromFront(axis, 3, 0))).toEqual([0, 2, 0, 2]);
  expect([-3, 0, 3, -4, 1.5, NaN, '1', undefined].map((axis) => axisFromFront(axis, 3, 1))).toEqual(
    Array.from({ length: 8 }, () => null),
  );
});
