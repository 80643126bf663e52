/** tf.conv3d, tf.conv3dTranspose and their gradients against plain loops on every backend. */
import { beforeAll, describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';
import { dense, geometryOf } from './byDefinition.js';
import { isNative } from './here.js';

beforeAll(enableWasmTraining);

type Shape5 = [number, number, number, number, number];
type Three = [number, number, number];

/** The shapes of the input and the filter, and the strides. */
const CASES: [string, Shape5, Shape5, Three][] = [
  ['3×3×3', [2, 4, 5, 3, 2], [3, 3, 3, 2, 3], [1, 1, 1]],
  ['1×1×1', [1, 3, 3, 3, 2], [1, 1, 1, 2, 3], [1, 1, 1]],
  ['even filter', [1, 4, 5, 3, 1], [2, 4, 2, 1, 2], [1, 1, 1]],
  ['stride 2, odd sizes', [2, 5, 7, 3, 2], [3, 3, 3, 2, 2], [2, 2, 2]],
  ['stride 2, even sizes', [1, 6, 6, 4, 1], [3, 3, 3, 1, 2], [2, 2, 2]],
  ['stride 2 of a filter of 2', [2, 4, 6, 4, 3], [2, 2, 2, 3, 2], [2, 2, 2]],
  ['stride 2 of a filter of 1', [2, 5, 4, 4, 3], [1, 1, 1, 3, 2], [2, 2, 2]],
  ['stride 2 within planes', [2, 3, 6, 5, 2], [3, 3, 3, 2, 2], [1, 2, 2]],
  ['different strides', [1, 7, 5, 4, 1], [3, 2, 1, 1, 2], [3, 1, 1]],
];

/** Where a stride is larger than the filter, tfjs's padding of volumes is not TensorFlow's. */
const casesOf = (pad: 'same' | 'valid') => {
  const own = isNative && pad === 'same';
  return CASES.filter(([, , filter, strides]) => !own || strides.every((stride, i) => stride <= filter[i]!));
};

describe.each(['same', 'valid'] as const)('with padding %s', (pad) => {
  test.each(casesOf(pad))('conv3d and its gradients: %s', (_, inputShape, filterShape, strides) => {
    tf.tidy(() => {
      const { x, filter, convolve, dy, expected } = convolution(inputShape, filterShape, strides, pad);
      expectClose(convolve(x, filter), expected.y);
      const [dx, dw] = tf.grads(convolve)([x, filter], dy);
      expectClose(dx!, expected.x);
      expectClose(dw!, expected.filter);
    });
  });

  test.each(casesOf(pad))('conv3dTranspose and its gradients: %s', (_, inputShape, filterShape, strides) => {
    tf.tidy(() => {
      // It takes the gradient of a convolution back, so its own gradient is the convolution.
      const { x: upstream, filter, dy: given } = convolution(inputShape, filterShape, strides, pad);
      const transpose = (...[y, weights]: tf.Tensor[]) =>
        tf.conv3dTranspose(y as tf.Tensor5D, weights as tf.Tensor5D, inputShape, strides, pad);
      const { x, y, filter: dw } = loops(upstream, filter, given, strides, pad);
      expectClose(transpose(given, filter), x);
      const [gradient, filterGradient] = tf.grads(transpose)([given, filter], upstream);
      expectClose(gradient!, y);
      expectClose(filterGradient!, dw);
    });
  });
});

test('conv3d and conv3dTranspose leave no tensor and no data behind', () => {
  expectNothingLeft(() =>
    tf.tidy(() => {
      const { x, filter, convolve, dy } = convolution([1, 5, 4, 4, 2], [3, 3, 2, 2, 3], [2, 1, 2], 'same');
      tf.grads(convolve)([x, filter], dy);
      const transpose = (...[y, weights]: tf.Tensor[]) =>
        tf.conv3dTranspose(y as tf.Tensor5D, weights as tf.Tensor5D, x.shape, [2, 1, 2], 'same');
      tf.grads(transpose)([dy, filter], x);
    }),
  );
});

function convolution(inputShape: Shape5, filterShape: Shape5, strides: Three, pad: 'same' | 'valid') {
  const x = tf.randomNormal<tf.Rank.R5>(inputShape, 0, 1, 'float32', 1);
  const filter = tf.randomNormal<tf.Rank.R5>(filterShape, 0, 1, 'float32', 2);
  const convolve = (...[input, weights]: tf.Tensor[]) =>
    tf.conv3d(input as tf.Tensor5D, weights as tf.Tensor5D, strides, pad);
  const dy = tf.randomNormal<tf.Rank.R5>(convolve(x, filter).shape as Shape5, 0, 1, 'float32', 3);
  return { x, filter, convolve, dy, expected: loops(x, filter, dy, strides, pad) };
}

function loops(x: tf.Tensor5D, filter: tf.Tensor5D, dy: tf.Tensor5D, strides: Three, pad: 'same' | 'valid') {
  return dense(x, filter, dy, geometryOf(tf.backend_util.computeConv3DInfo(x.shape, filter.shape, strides, 1, pad)));
}
