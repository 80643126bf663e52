/** Max pooling and its gradient, which the wasm backend gets wrong where no value is positive, against plain loops. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';
import { randomArray } from '../support/random.js';
import { geometryOf, maxPooling } from './byDefinition.js';
import { isCpu, isNative } from './here.js';

beforeAll(enableWasmTraining);

type Pair = [number, number];
type Three = [number, number, number];
type Shape4 = [number, number, number, number];
type Shape5 = [number, number, number, number, number];

/** Ranges of the values: below 0, around 0 and above. */
const RANGES: [number, number][] = [
  [-3, -1],
  [-1, 1],
  [1, 3],
];
const FLAT: [Shape4, Pair, Pair][] = [
  [
    [2, 6, 8, 3],
    [2, 2],
    [2, 2],
  ],
  [
    [2, 7, 5, 1],
    [2, 2],
    [2, 2],
  ],
  [
    [1, 7, 8, 5],
    [3, 3],
    [1, 1],
  ],
  [
    [1, 7, 8, 2],
    [3, 2],
    [2, 1],
  ],
];
const DEEP: [Shape5, Three, Three][] = [
  [
    [2, 4, 6, 4, 3],
    [2, 2, 2],
    [2, 2, 2],
  ],
  [
    [1, 5, 7, 3, 1],
    [2, 2, 2],
    [2, 2, 2],
  ],
  [
    [1, 4, 5, 6, 2],
    [3, 3, 3],
    [1, 1, 1],
  ],
  [
    [1, 3, 6, 5, 2],
    [1, 2, 3],
    [1, 2, 1],
  ],
];
/** tfjs's cpu backend gives wrong gradients for windows of different sizes along the axes. */
const ofDepth = isCpu ? DEEP.filter(([, window]) => new Set(window).size === 1) : DEEP;

describe.each(['same', 'valid'] as const)('with padding %s', (pad) => {
  describe.each(RANGES)('and values from %d to %d', (from, to) => {
    test.each(FLAT)('maxPool of %j, window %j, strides %j', (shape, window, strides) => {
      const info = tf.backend_util.computePool2DInfo(shape, window, strides, 1, pad);
      check(shape, from, to, geometryOf(info), (x) => tf.maxPool(x as tf.Tensor4D, window, strides, pad));
    });

    test.each(ofDepth)('maxPool3d of %j, window %j, strides %j', (shape, window, strides) => {
      const info = tf.backend_util.computePool3DInfo(shape, window, strides, 1, pad);
      check(shape, from, to, geometryOf(info), (x) => tf.maxPool3d(x as tf.Tensor5D, window, strides, pad));
    });
  });
});

function check(shape: number[], from: number, to: number, geometry: Parameters<typeof maxPooling>[2], pool: Op) {
  tf.tidy(() => {
    const x = toTensor(randomArray(shape, 1, from, to));
    const y = pool(x);
    const dy = toTensor(randomArray(y.shape, 2, -1, 1));
    const expected = maxPooling(x, dy, geometry);
    expectClose(y, expected.y);
    expectClose(tf.grad(pool)(x, dy), expected.x);
  });
}

type Op = (x: tf.Tensor) => tf.Tensor;

// The native backend pads as 'same' or 'valid' only.
if (!isNative)
  test('maxPool pads with numbers', () => {
    const info = tf.backend_util.computePool2DInfo([1, 6, 6, 2], 3, 2, 1, 1);
    check([1, 6, 6, 2], -2, -1, geometryOf(info), (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 1));
  });

test('the gradient of a window of zeros stays in the window', () => {
  const pool = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid');
  const x = tf.tensor4d([3, 0, 0, 0, 0, 0, 0, 0], [1, 2, 4, 1]);
  const gradient = tf
    .grad(pool)(x, tf.tensor4d([1, 2], [1, 1, 2, 1]))
    .dataSync();
  expect([gradient[0], gradient[2]! + gradient[3]! + gradient[6]! + gradient[7]!]).toEqual([1, 2]);
});

test('max pooling leaves no tensor and no data behind', () => {
  expectNothingLeft(() =>
    tf.tidy(() => {
      tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same'))(tf.ones([1, 5, 4, 2]));
      tf.grad((x) => tf.maxPool3d(x as tf.Tensor5D, 2, 2, 'same'))(tf.ones([1, 5, 4, 4, 2]));
    }),
  );
});
