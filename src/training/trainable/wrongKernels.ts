import * as tf from '@tensorflow/tfjs-core';
import type { NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';

/** A kernel that gives wrong values without an error on a backend of tfjs 4.22. */
interface WrongKernel {
  backend: 'cpu' | 'wasm';
  /** The inputs for which its values are wrong. */
  where: string;
  /** True for attributes with which they may be. Default: always. */
  applies?(attrs: NamedAttrMap): boolean;
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
    applies: ({ strides }) => [strides].flat().some((stride) => Number(stride) > 1),
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

/** The kernel, if it is known to give wrong values on the backend that runs. */
function knownWrong(kernelName: string): WrongKernel | undefined {
  const wrong = Object.hasOwn(WRONG, kernelName) ? WRONG[kernelName] : undefined;
  return wrong?.backend === tf.getBackend() ? wrong : undefined;
}

/** True if the kernel may give wrong values with these attributes. Another kernel may have taken its place. */
export function isSuspect(kernelName: string, attrs: NamedAttrMap): boolean {
  const wrong = knownWrong(kernelName);
  return wrong !== undefined && (wrong.applies?.(attrs) ?? true);
}

/** Tries a kernel: says for which inputs it gives wrong values, or undefined if it is right. */
export function whereWrong(kernelName: string): string | undefined {
  const wrong = knownWrong(kernelName)!;
  const values = tf.tidy(() => wrong.gradient().dataSync());
  return wrong.right.every((value, i) => values[i] === value) ? undefined : wrong.where;
}
