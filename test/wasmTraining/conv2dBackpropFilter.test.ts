/**
 * The gradient of tf.conv2d to its filter, which softseg adds to the wasm backend, against plain loops on every
 * backend.
 */
import { beforeAll, describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { enableWasmTraining } from '../../src/index.js';
import { expectClose } from '../support/compare.js';
import { expectNothingLeft } from '../support/leftovers.js';

beforeAll(enableWasmTraining);

declare const TEST_BACKEND: string;

type Shape4 = [number, number, number, number];
type Pad = 'same' | 'valid' | number | [[number, number], [number, number], [number, number], [number, number]];

/** Σ over samples and output positions of x[position + offset]·dy[position], by definition. */
function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: Shape4,
  strides: [number, number],
  top: number,
  left: number,
) {
  const [height, width, channels, outputs] = filterShape;
  const [samples, rows, columns] = dy.shape;
  const [xs, dys] = [x.bufferSync(), dy.bufferSync()];
  const result = tf.buffer(filterShape);
  const inside = (r: number, c: number) => r >= 0 && c >= 0 && r < x.shape[1] && c < x.shape[2];
  for (let n = 0; n < samples; n++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let a = 0; a < height; a++)
          for (let b = 0; b < width; b++) {
            const [r, c] = [i * strides[0] + a - top, j * strides[1] + b - left];
            if (!inside(r, c)) continue;
            for (let k = 0; k < channels; k++)
              for (let o = 0; o < outputs; o++)
                result.set(result.get(a, b, k, o) + xs.get(n, r, c, k) * dys.get(n, i, j, o), a, b, k, o);
          }
  return result.toTensor();
}

const CASES: [string, Shape4, Shape4, [number, number], Pad][] = [
  ['3×3, same', [2, 7, 6, 3], [3, 3, 3, 4], [1, 1], 'same'],
  ['3×3, valid', [2, 7, 6, 3], [3, 3, 3, 4], [1, 1], 'valid'],
  ['1×1', [1, 5, 5, 2], [1, 1, 2, 3], [1, 1], 'same'],
  ['even filter, same', [1, 6, 5, 2], [2, 4, 2, 3], [1, 1], 'same'],
  ['stride 2, same, odd size', [2, 7, 9, 2], [3, 3, 2, 3], [2, 2], 'same'],
  ['stride 2, valid, with rows that no window reaches', [2, 8, 8, 2], [3, 3, 2, 3], [2, 2], 'valid'],
  ['different strides', [1, 9, 8, 1], [3, 2, 1, 2], [3, 1], 'valid'],
  ['padding of 2', [1, 5, 6, 2], [3, 3, 2, 2], [1, 1], 2],
  [
    'explicit padding',
    [1, 5, 6, 2],
    [3, 3, 2, 2],
    [1, 1],
    [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ],
  ],
  ['filter as large as the image', [3, 4, 4, 1], [4, 4, 1, 2], [1, 1], 'valid'],
];

describe('the gradient of conv2d to its filter', () => {
  // tfjs-node accepts only 'same' and 'valid'.
  const known = TEST_BACKEND === 'tensorflow' ? CASES.filter(([, , , , pad]) => typeof pad === 'string') : CASES;
  test.each(known)('%s', (_, inputShape, filterShape, strides, pad) => {
    const { x, dy, gradient } = gradientOf(inputShape, filterShape, strides, pad);
    const [top, left] = before(inputShape, filterShape, strides, pad);
    expectClose(gradient, filterGradient(x, dy, filterShape, strides, top, left));
  });

  test('leaves no tensor and no data behind', () => {
    const run = () => {
      const { x, dy, gradient } = gradientOf([2, 8, 8, 2], [3, 3, 2, 3], [2, 2], 'valid');
      tf.dispose([x, dy, gradient]);
    };
    expectNothingLeft(run);
  });
});

function gradientOf(inputShape: Shape4, filterShape: Shape4, strides: [number, number], pad: Pad) {
  return tf.tidy(() => {
    const x = tf.randomNormal<tf.Rank.R4>(inputShape, 0, 1, 'float32', 1);
    const filter = tf.randomNormal<tf.Rank.R4>(filterShape, 0, 1, 'float32', 2);
    const conv = (f: tf.Tensor4D) => tf.conv2d(x, f, strides, pad);
    const dy = tf.randomNormal<tf.Rank.R4>(conv(filter).shape, 0, 1, 'float32', 3);
    const gradient = tf.grad((f) => conv(f as tf.Tensor4D))(filter, dy);
    return { x, dy, gradient };
  });
}

/** The rows above and the columns to the left that the convolution pads. */
function before(inputShape: Shape4, filterShape: Shape4, strides: [number, number], pad: Pad): [number, number] {
  if (pad === 'valid') return [0, 0];
  if (typeof pad === 'number') return [pad, pad];
  if (Array.isArray(pad)) return [pad[1][0], pad[2][0]];
  const of = (axis: 0 | 1) => {
    const [size, filter, stride] = [inputShape[axis + 1]!, filterShape[axis]!, strides[axis]!];
    return Math.floor(Math.max((Math.ceil(size / stride) - 1) * stride + filter - size, 0) / 2);
  };
  return [of(0), of(1)];
}
