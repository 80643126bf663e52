/** The gradients of convolutions with dilations, which tfjs refuses, against plain loops on every backend. */
import { beforeAll, describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';
import { dense, depthwise, geometryOf } from './byDefinition.js';
import { isCpu, isNative } from './here.js';

beforeAll(enableWasmTraining);

type Pair = [number, number];
type Three = [number, number, number];
type Shape4 = [number, number, number, number];
type Pad = 'same' | 'valid' | [Pair, Pair, Pair, Pair];
type Op = (...tensors: tf.Tensor[]) => tf.Tensor;

/** The second pads more than the filter reaches. The native backend takes neither. */
const EXPLICIT: Pad[] = [
  [
    [0, 0],
    [0, 2],
    [1, 0],
    [0, 0],
  ],
  [
    [0, 0],
    [7, 0],
    [1, 9],
    [0, 0],
  ],
];
const PADS: Pad[] = ['same', 'valid', ...(isNative ? [] : EXPLICIT)];
const DILATIONS: Pair[] = [
  [2, 2],
  [3, 3],
  [1, 2],
  [3, 1],
];
const WINDOWS: Pair[] = [
  [3, 3],
  [2, 3],
  [1, 1],
];

function check(op: Op, x: tf.Tensor, filter: tf.Tensor, expected: (dy: tf.Tensor) => ReturnType<typeof dense>) {
  const y = op(x, filter);
  const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 3);
  const { x: dx, filter: dw, ...forward } = expected(dy);
  expectClose(y, forward.y);
  const gradients = tf.grads(op)([x, filter], dy);
  expectClose(gradients[0]!, dx);
  expectClose(gradients[1]!, dw);
}

describe.each(DILATIONS)('with dilations %d and %d', (...dilations) => {
  describe.each(WINDOWS)('and a filter of %d×%d', (...window) => {
    const shape: Shape4 = [2, 8, 9, 3];

    test.each(PADS)('conv2d, padding %j', (pad) => {
      tf.tidy(() => {
        const x = tf.randomNormal<tf.Rank.R4>(shape, 0, 1, 'float32', 1);
        const filter = tf.randomNormal<tf.Rank.R4>([...window, 3, 4], 0, 1, 'float32', 2);
        const op: Op = (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, pad, 'NHWC', dilations);
        const info = tf.backend_util.computeConv2DInfo(shape, filter.shape, 1, dilations, pad);
        check(op, x, filter, (dy) => dense(x, filter, dy, geometryOf(info)));
      });
    });

    test.each(PADS)('depthwiseConv2d, padding %j', (pad) => {
      tf.tidy(() => {
        for (const multiplier of [1, 2]) {
          const x = tf.randomNormal<tf.Rank.R4>(shape, 0, 1, 'float32', 1);
          const filter = tf.randomNormal<tf.Rank.R4>([...window, 3, multiplier], 0, 1, 'float32', 2);
          const op: Op = (a, b) => tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, pad, 'NHWC', dilations);
          const info = tf.backend_util.computeConv2DInfo(shape, filter.shape, 1, dilations, pad, undefined, true);
          check(op, x, filter, (dy) => depthwise(x, filter, dy, geometryOf(info)));
        }
      });
    });
  });
});

/** The native backend takes no dilation of the depth. */
const OF_VOLUMES: Three[] = [
  [1, 2, 3],
  ...(isNative
    ? []
    : ([
        [2, 2, 2],
        [2, 1, 1],
      ] as Three[])),
];

describe.each(OF_VOLUMES)('with dilations %d, %d and %d', (...dilations) => {
  test.each(['same', 'valid'] as const)('conv3d, padding %s', (pad) => {
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R5>([2, 5, 6, 7, 2], 0, 1, 'float32', 1);
      const filter = tf.randomNormal<tf.Rank.R5>([3, 2, 3, 2, 3], 0, 1, 'float32', 2);
      const op: Op = (a, b) => tf.conv3d(a as tf.Tensor5D, b as tf.Tensor5D, 1, pad, 'NDHWC', dilations);
      const info = tf.backend_util.computeConv3DInfo(x.shape, filter.shape, 1, dilations, pad);
      check(op, x, filter, (dy) => dense(x, filter, dy, geometryOf(info)));
    });
  });
});

test('conv1d with a dilation has gradients', () => {
  tf.tidy(() => {
    const x = tf.randomNormal<tf.Rank.R3>([2, 9, 3], 0, 1, 'float32', 1);
    const filter = tf.randomNormal<tf.Rank.R3>([3, 3, 2], 0, 1, 'float32', 2);
    const op: Op = (a, b) => tf.conv1d(a as tf.Tensor3D, b as tf.Tensor3D, 1, 'same', 'NWC', 2);
    const geometry = { window: [3], strides: [1], dilations: [2], before: [2], results: [9] };
    check(op, x, filter, (dy) => dense(x, filter, dy, geometry));
  });
});

if (isCpu)
  test('conv2d takes channels first too', () => {
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R4>([2, 6, 7, 3], 0, 1, 'float32', 1);
      const filter = tf.randomNormal<tf.Rank.R4>([3, 3, 3, 4], 0, 1, 'float32', 2);
      const last: Op = (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same', 'NHWC', 2);
      const first: Op = (a, b) => {
        const moved = tf.transpose(a as tf.Tensor4D, [0, 3, 1, 2]);
        return tf.transpose(tf.conv2d(moved, b as tf.Tensor4D, 1, 'same', 'NCHW', 2), [0, 2, 3, 1]);
      };
      const dy = tf.randomNormal([2, 6, 7, 4], 0, 1, 'float32', 3);
      const expected = tf.grads(last)([x, filter], dy);
      tf.grads(first)([x, filter], dy).forEach((gradient, i) => expectClose(gradient, expected[i]!));
    });
  });

test('gradients of convolutions with dilations leave no tensor and no data behind', () => {
  expectNothingLeft(() =>
    tf.tidy(() => {
      const flat: Op = (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same', 'NHWC', 2);
      tf.grads(flat)([tf.ones([1, 7, 7, 2]), tf.ones([3, 3, 2, 2])]);
      const each: Op = (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same', 'NHWC', 2);
      tf.grads(each)([tf.ones([1, 7, 7, 2]), tf.ones([3, 3, 2, 2])]);
      const deep: Op = (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'same', 'NDHWC', [1, 2, 2]);
      tf.grads(deep)([tf.ones([1, 5, 5, 5, 2]), tf.ones([3, 3, 3, 2, 2])]);
    }),
  );
});
