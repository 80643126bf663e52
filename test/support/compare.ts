import { expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import type { NdArray } from '../reference/index.js';

export function toTensor({ data, shape, dtype }: NdArray): tf.Tensor {
  return dtype ? tf.tensor(Int32Array.from(data), shape, dtype) : tf.tensor(Float32Array.from(data), shape);
}

export function toArray(tensor: tf.Tensor): NdArray {
  const array = { shape: [...tensor.shape], data: Float64Array.from(tensor.dataSync()) };
  return tensor.dtype === 'int32' ? { ...array, dtype: 'int32' } : array;
}

/**
 * Checks that shapes are equal, and values within the tolerance relative to the largest expected value. NaN always
 * fails.
 */
export function expectClose(actual: tf.Tensor | NdArray, expected: tf.Tensor | NdArray, tolerance = 1e-5): void {
  const a = actual instanceof tf.Tensor ? toArray(actual) : actual;
  const e = expected instanceof tf.Tensor ? toArray(expected) : expected;
  expect(a.shape).toEqual(e.shape);
  const largest = e.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = e.data.reduce((most, value, i) => {
    const difference = Math.abs(a.data[i]! - value);
    return difference <= most ? most : difference;
  }, 0);
  if (worst <= tolerance * largest) return;
  // Values far below 1 that cancel to zero have no scale of their own.
  if (largest < 1e-7 && worst <= 1e-7) return;
  expect({ worst, of: largest, actual: [...a.data].slice(0, 12) }).toEqual({
    worst: `at most ${tolerance} of the largest`,
    of: largest,
    actual: [...e.data].slice(0, 12),
  });
}

export function expectFinite(tensor: tf.Tensor): void {
  const values = [...tensor.dataSync()];
  expect(values.filter((value) => !Number.isFinite(value))).toEqual([]);
}
