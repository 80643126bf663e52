import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** A kernel that gives wrong values without an error on a backend of tfjs 4.22. */
interface WrongKernel {
  backend: 'cpu' | 'wasm';
  /** The inputs for which its values are wrong. */
  where: string;
  /** The gradient of a function that shows it, and the values that it should have. */
  gradient(): Tensor;
  right: readonly number[];
}

/** The gradient of f at a tensor of these values. The gradient that comes to it counts up from 1. */
function gradientAt<T extends Tensor>(f: (x: T) => Tensor, values: readonly number[], shape: number[]): Tensor {
  const x = tf.tensor([...values], shape) as T;
  const { shape: outputShape, size } = f(x);
  return tf.grad((at) => f(at as T))(x, tf.reshape(tf.range(1, size + 1), outputShape));
}

const WRONG: Readonly<Record<string, WrongKernel>> = {
  MaxPoolGrad: {
    backend: 'wasm',
    where: 'where all values of a window are negative',
    gradient: () => gradientAt((x: tf.Tensor4D) => tf.maxPool(x, 2, 2, 'valid'), [-4, -1, -2, -3], [1, 2, 2, 1]),
    right: [0, 1, 0, 0],
  },
  MaxPool3DGrad: {
    backend: 'wasm',
    where: 'where all values of a window are negative',
    gradient: () =>
      gradientAt((x: tf.Tensor5D) => tf.maxPool3d(x, [1, 2, 2], 2, 'valid'), [-4, -1, -2, -3], [1, 1, 2, 2, 1]),
    right: [0, 1, 0, 0],
  },
  Conv3DBackpropInputV2: {
    backend: 'wasm',
    where: 'for nearly all inputs',
    gradient: () =>
      gradientAt(
        (x: tf.Tensor5D) => tf.conv3d(x, tf.tensor5d([2], [1, 1, 1, 1, 1]), 2, 'valid'),
        [1, 1],
        [1, 1, 1, 2, 1],
      ),
    right: [2, 0],
  },
  Conv3DBackpropFilterV2: {
    backend: 'wasm',
    where: 'with strides',
    gradient: () =>
      gradientAt(
        (f: tf.Tensor5D) => tf.conv3d(tf.ones<tf.Rank.R5>([1, 1, 1, 4, 1]), f, 2, 'valid'),
        [1, 2],
        [1, 1, 2, 1, 1],
      ),
    right: [3, 3],
  },
  ResizeNearestNeighborGrad: {
    backend: 'cpu',
    where: 'for every image of a batch except the first',
    gradient: () => gradientAt((x: tf.Tensor4D) => tf.image.resizeNearestNeighbor(x, [1, 2]), [1, 2], [2, 1, 1, 1]),
    right: [3, 7],
  },
};

/** The inputs for which a kernel gives wrong values on the backend that runs; undefined if there are none. */
export function whereWrong(kernelName: string): string | undefined {
  const wrong = Object.hasOwn(WRONG, kernelName) ? WRONG[kernelName]! : undefined;
  if (wrong?.backend !== tf.getBackend()) return undefined;
  const values = tf.tidy(() => wrong.gradient().dataSync());
  return wrong.right.every((value, i) => values[i] === value) ? undefined : wrong.where;
}
