/** Rules that the compiler enforces; `npm run types` checks this file. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { axisFromFront, checkAxis } from '../../src/checks.js';
import { layoutOf } from '../../src/kernels/layout.js';
import { softmaxAlong } from '../../src/ops/activations.js';

const shape = [2, 3, 4];
const option: number = -1;

test('an option is not an axis until it is checked', () => {
  const z = tf.zeros([2, 3, 4]);
  const checked = checkAxis(option, shape);
  expect(checked).toBe(2);
  expect(softmaxAlong(z, 1, checked).shape).toEqual(shape);
  // @ts-expect-error it may count from the end, which tf.transpose does not accept
  expect(() => softmaxAlong(z, 1, option)).toThrow();
  // @ts-expect-error nor is a computed number an axis
  expect(softmaxAlong(z, 1, shape.length - 1).shape).toEqual(shape);
});

test('an axis that may be the batch cannot be the class axis', () => {
  expect(layoutOf(shape, checkAxis(option, shape, 'axis', 1)).classes).toBe(4);
  // @ts-expect-error this check accepts 0
  expect(layoutOf(shape, checkAxis(0, shape)).classes).toBe(2);
  // @ts-expect-error an unchecked option
  expect(layoutOf(shape, option).classes).toBeUndefined();
  const front = axisFromFront(1, 3, 1);
  // @ts-expect-error the axis may be undefined
  expect(layoutOf(shape, front).classes).toBe(3);
});

test('a checked axis counts from the front and is inside the shape', () => {
  expect([-3, -1, 0, 2].map((axis) => axisFromFront(axis, 3, 0))).toEqual([0, 2, 0, 2]);
  expect([-3, 0, 3, -4, 1.5, NaN, '1', undefined].map((axis) => axisFromFront(axis, 3, 1))).toEqual(
    Array.from({ length: 8 }, () => null),
  );
});
