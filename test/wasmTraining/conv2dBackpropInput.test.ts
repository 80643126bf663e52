/**
 * The gradient of tf.conv2d to its input, which is also tf.conv2dTranspose, and which softseg makes faster on wasm,
 * against plain loops on every backend.
 */
import { beforeAll, describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';
import { dense, geometryOf } from './byDefinition.js';
import { isNative } from './here.js';

beforeAll(enableWasmTraining);

type Pair = [number, number];
type Shape4 = [number, number, number, number];
type Pad = 'same' | 'valid' | [Pair, Pair, Pair, Pair];

const CASES: [string, Shape4, Shape4, Pair, Pad][] = [
  ['3×3, same', [2, 7, 6, 3], [3, 3, 3, 4], [1, 1], 'same'],
  ['3×3, valid', [2, 7, 6, 3], [3, 3, 3, 4], [1, 1], 'valid'],
  ['1×1', [1, 5, 5, 2], [1, 1, 2, 3], [1, 1], 'same'],
  ['1×1 of stride 2', [1, 5, 6, 2], [1, 1, 2, 3], [2, 2], 'same'],
  ['even filter, same', [1, 6, 5, 2], [2, 4, 2, 3], [1, 1], 'same'],
  ['stride 2, same, odd size', [2, 7, 9, 2], [3, 3, 2, 3], [2, 2], 'same'],
  ['stride 2 of a filter of 2', [2, 8, 6, 2], [2, 2, 2, 3], [2, 2], 'valid'],
  ['stride 2, valid, with rows that no window reaches', [2, 8, 8, 2], [3, 3, 2, 3], [2, 2], 'valid'],
  ['different strides', [1, 9, 8, 1], [3, 2, 1, 2], [3, 1], 'valid'],
  ['explicit padding', [1, 5, 6, 2], [3, 3, 2, 2], [1, 1], padding([1, 0], [0, 2])],
  ['more padding than the filter reaches', [1, 5, 6, 2], [3, 2, 2, 2], [2, 1], padding([4, 1], [0, 5])],
  ['filter as large as the image', [3, 4, 4, 1], [4, 4, 1, 2], [1, 1], 'valid'],
];

function padding(rows: Pair, columns: Pair): Pad {
  return [[0, 0], rows, columns, [0, 0]];
}

describe('the gradient of conv2d to its input', () => {
  const known = isNative ? CASES.filter(([, , , , pad]) => typeof pad === 'string') : CASES;
  test.each(known)('%s', (_, inputShape, filterShape, strides, pad) => {
    const x = tf.randomNormal<tf.Rank.R4>(inputShape, 0, 1, 'float32', 1);
    const filter = tf.randomNormal<tf.Rank.R4>(filterShape, 0, 1, 'float32', 2);
    const convolve = (input: tf.Tensor) => tf.conv2d(input as tf.Tensor4D, filter, strides, pad);
    const dy = tf.randomNormal<tf.Rank.R4>(convolve(x).shape as Shape4, 0, 1, 'float32', 3);
    const info = tf.backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad);
    const expected = dense(x, filter, dy, geometryOf(info));
    expectClose(tf.grad(convolve)(x, dy), expected.x);
    if (typeof pad !== 'string') return;
    expectClose(tf.conv2dTranspose(dy, filter, inputShape, strides, pad), expected.x);
  });

  test('leaves no tensor and no data behind', () => {
    expectNothingLeft(() =>
      tf.tidy(() => {
        const filter = tf.ones<tf.Rank.R4>([3, 3, 2, 2]);
        tf.grad((x) => tf.conv2d(x as tf.Tensor4D, filter, 2, 'same'))(tf.ones([1, 7, 6, 2]));
      }),
    );
  });
});
