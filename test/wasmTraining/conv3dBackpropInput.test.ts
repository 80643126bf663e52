/**
 * The gradient of tf.conv3d to its input, which softseg corrects on the wasm backend, against plain loops on every
 * backend.
 */
import { beforeAll, describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';

beforeAll(enableWasmTraining);

type Shape5 = [number, number, number, number, number];
type Three = [number, number, number];

const CASES: [string, Shape5, Shape5, Three, 'same' | 'valid'][] = [
  ['3×3×3, same', [2, 4, 5, 3, 2], [3, 3, 3, 2, 3], [1, 1, 1], 'same'],
  ['3×3×3, valid', [1, 5, 4, 6, 2], [3, 3, 3, 2, 3], [1, 1, 1], 'valid'],
  ['1×1×1', [1, 3, 3, 3, 2], [1, 1, 1, 2, 3], [1, 1, 1], 'same'],
  ['even filter', [1, 4, 5, 3, 1], [2, 4, 2, 1, 2], [1, 1, 1], 'same'],
  ['stride 2, odd sizes', [2, 5, 7, 3, 2], [3, 3, 3, 2, 2], [2, 2, 2], 'same'],
  ['stride 2, with places that no window reaches', [1, 6, 6, 6, 1], [3, 3, 3, 1, 2], [2, 2, 2], 'valid'],
  ['different strides', [1, 7, 5, 4, 1], [3, 2, 1, 1, 2], [3, 1, 2], 'valid'],
];

/** Σ over output positions and offsets of dy[position]·filter[offset], by definition. */
function inputGradient(inputShape: Shape5, dy: tf.Tensor5D, filter: tf.Tensor5D, strides: Three, before: Three) {
  const result = tf.buffer(inputShape);
  const [dys, weights] = [dy.bufferSync(), filter.bufferSync()];
  const [samples, ...places] = dy.shape;
  const [depth, height, width, channels, outputs] = filter.shape;
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const product = (...lengths: number[]) =>
    lengths.reduce<number[][]>((all, length) => all.flatMap((one) => range(length).map((i) => [...one, i])), [[]]);
  for (const [n, ...place] of product(samples, ...places.slice(0, 3)))
    for (const offset of product(depth, height, width)) {
      const at = offset.map((a, i) => place[i]! * strides[i]! + a - before[i]!);
      if (at.some((value, i) => value < 0 || value >= inputShape[1 + i]!)) continue;
      for (const [c, o] of product(channels, outputs)) {
        const index = [n!, ...at, c!];
        const more = dys.get(n!, ...place, o!) * weights.get(...offset, c!, o!);
        result.set(result.get(...index) + more, ...index);
      }
    }
  return result.toTensor();
}

describe('the gradient of conv3d to its input', () => {
  test.each(CASES)('%s', (_, inputShape, filterShape, strides, pad) => {
    tf.tidy(() => {
      const x = tf.randomNormal<tf.Rank.R5>(inputShape, 0, 1, 'float32', 1);
      const filter = tf.randomNormal<tf.Rank.R5>(filterShape, 0, 1, 'float32', 2);
      const conv = (input: tf.Tensor) => tf.conv3d(input as tf.Tensor5D, filter, strides, pad);
      const dy = tf.randomNormal<tf.Rank.R5>(conv(x).shape, 0, 1, 'float32', 3);
      const { padInfo } = tf.backend_util.computeConv3DInfo(inputShape, filterShape, strides, 1, pad);
      const before: Three = [padInfo.front, padInfo.top, padInfo.left];
      expectClose(tf.grad(conv)(x, dy), inputGradient(inputShape, dy, filter, strides, before));
    });
  });

  test('leaves no tensor and no data behind', () => {
    const run = () =>
      tf.tidy(() => {
        const filter = tf.ones<tf.Rank.R5>([3, 3, 3, 2, 2]);
        tf.grad((x) => tf.conv3d(x as tf.Tensor5D, filter, 2, 'same'))(tf.ones([1, 5, 5, 5, 2]));
      });
    expectNothingLeft(run);
  });
});
