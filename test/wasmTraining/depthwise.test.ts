/** The gradients of depthwise convolutions, which the wasm backend lacks, against plain loops on every backend. */
import { beforeAll, describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';
import { dense, depthwise, geometryOf } from './byDefinition.js';
import { isNative } from './here.js';

beforeAll(enableWasmTraining);

type Pair = [number, number];
type Shape4 = [number, number, number, number];
type Pad = 'same' | 'valid' | [Pair, Pair, Pair, Pair];

/** The input, height and width of the filter, and its outputs for each channel. */
const SIZES: [Shape4, Pair, number][] = [
  [[2, 7, 8, 3], [3, 3], 1],
  [[1, 8, 6, 6], [3, 3], 2],
  [[1, 9, 7, 5], [4, 2], 1],
  [[2, 6, 5, 1], [1, 1], 3],
];
const STRIDES: Pair[] = [
  [1, 1],
  [2, 2],
  [3, 3],
  [1, 2],
];
/** Numbers are left out, because tfjs gives results of the wrong size for them if the axes differ. */
const PADS: Pad[] = [
  'same',
  'valid',
  padding([0, 2], [1, 0]),
  // (More than the filter reaches.)
  padding([4, 0], [1, 4]),
];

function padding(rows: Pair, columns: Pair): Pad {
  return [[0, 0], rows, columns, [0, 0]];
}

const CASES = SIZES.flatMap(([shape, window, multiplier]) =>
  STRIDES.flatMap((strides) => PADS.map((pad) => ({ shape, window, multiplier, strides, pad }))),
);

/** The native backend pads as 'same' or 'valid' only, and takes the same stride on both axes. */
const known = ({ strides, pad }: { strides: Pair; pad: Pad }) =>
  !isNative || (typeof pad === 'string' && strides[0] === strides[1]);

describe('the gradients of depthwiseConv2d', () => {
  test.each(CASES.filter(known))('$shape, window $window ×$multiplier, strides $strides, pad $pad', (options) => {
    const { shape, window, multiplier, strides, pad } = options;
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R4>(shape, 0, 1, 'float32', 1);
      const filter = tf.randomNormal<tf.Rank.R4>([...window, shape[3], multiplier], 0, 1, 'float32', 2);
      const convolve = (...[input, weights]: tf.Tensor[]) =>
        tf.depthwiseConv2d(input as tf.Tensor4D, weights as tf.Tensor4D, strides, pad);
      const y = convolve(x, filter);
      const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 3);
      const info = tf.backend_util.computeConv2DInfo(shape, filter.shape, strides, 1, pad, undefined, true);
      const expected = depthwise(x, filter, dy, geometryOf(info));
      const [dx, dw] = tf.grads(convolve)([x, filter], dy);
      expectClose(y, expected.y);
      expectClose(dx!, expected.x);
      expectClose(dw!, expected.filter);
    });
  });

  test('train separable convolutions', () => {
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R4>([2, 6, 7, 3], 0, 1, 'float32', 1);
      const deep = tf.randomNormal<tf.Rank.R4>([3, 3, 3, 2], 0, 1, 'float32', 2);
      const point = tf.randomNormal<tf.Rank.R4>([1, 1, 6, 4], 0, 1, 'float32', 3);
      const convolve = (...[input, first, second]: tf.Tensor[]) =>
        tf.separableConv2d(input as tf.Tensor4D, first as tf.Tensor4D, second as tf.Tensor4D, 2, 'same');
      const dy = tf.randomNormal(convolve(x, deep, point).shape, 0, 1, 'float32', 4);
      const between = tf.depthwiseConv2d(x, deep, 2, 'same');
      const before = tf.backend_util.computeConv2DInfo(x.shape, deep.shape, 2, 1, 'same', undefined, true);
      const after = tf.backend_util.computeConv2DInfo(between.shape, point.shape, 1, 1, 'valid');
      const outer = dense(between, point, dy, geometryOf(after));
      const inner = depthwise(x, deep, toTensor(outer.x), geometryOf(before));
      const gradients = tf.grads(convolve)([x, deep, point], dy);
      [inner.x, inner.filter, outer.filter].forEach((expected, i) => expectClose(gradients[i]!, expected));
    });
  });

  test('leave no tensor and no data behind', () => {
    expectNothingLeft(() =>
      tf.tidy(() => {
        const convolve = (...[x, filter]: tf.Tensor[]) =>
          tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 'same');
        tf.grads(convolve)([tf.ones([1, 7, 7, 2]), tf.ones([3, 3, 2, 2])]);
      }),
    );
  });
});
