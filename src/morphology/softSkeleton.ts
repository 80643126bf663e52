import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkAxis, checkCount, checkDtype, checkOptionNames, checkTensor, fail, showShape } from '../checks.js';
import { largestOfCube, leastOfCross } from './erosion.js';

export interface SoftSkeletonOptions {
  /** How many times the values are eroded, >= 0: as many as the largest radius in pixels, at least. Default 3. */
  iterations?: number;
  /** The class axis; never 0, which is the batch. Default -1. */
  axis?: number;
}

/**
 * Soft skeleton: what openings of ever more eroded values take away. With E_0 the values, E_k+1 = erode(E_k) (the least
 * of a pixel and its 4 neighbours, 6 in 3-D) and R_k = relu(E_k - dilate(E_k+1)) (the largest of 3×3, 3×3×3), it is
 * S_0 = R_0, S_k = S_k-1 + relu(R_k - S_k-1 R_k), up to k = iterations.
 *
 * Differentiable to any order; where values tie the gradient is that of PyTorch's pools: to the first pixel of a
 * window, in halves where the windows of two axes tie. A value of 0 or 1 with equal neighbours has no gradient of use.
 *
 * @param values float32 `[N, ...spatial, C]` in [0, 1] with at least one spatial axis
 * @returns the same shape
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const bar = tf.tensor([[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]);
 * const skeleton = softSkeleton(tf.reshape(bar, [1, 5, 5, 1]), { iterations: 1 }); // shape [1, 5, 5, 1]
 * tf.sum(skeleton); // 1
 * ```
 *
 * @see Shit et al., clDice: a novel topology-preserving loss function for tubular structure segmentation, CVPR 2021,
 * arXiv 2003.07311
 */
export function softSkeleton(values: Tensor, options: SoftSkeletonOptions = {}): Tensor {
  return inFunction('softSkeleton', () => {
    checkTensor('values', values);
    checkDtype('values', values, ['float32']);
    checkOptionNames(options, ['iterations', 'axis']);
    const iterations = resolveIterations(options.iterations);
    const { shape } = values;
    if (shape.length < 3 || values.size === 0) {
      fail(`values must be [N, ...spatial, C] with at least one spatial axis and one value, got ${showShape(shape)}`);
    }
    const classAxis = checkAxis(options.axis ?? -1, shape, 'axis', 1);
    const spatialAxes = [...shape.keys()].filter((axis) => axis !== 0 && axis !== classAxis);
    return tf.tidy(() => skeletonOf(values, spatialAxes, iterations));
  });
}

/** Each makes the skeleton a pixel thicker; more would only take time. */
const MOST_ITERATIONS = 10_000;

export function resolveIterations(iterations = 3): number {
  checkCount('iterations', iterations, 0, MOST_ITERATIONS);
  return iterations;
}

/**
 * Call it inside tf.tidy. `counts`, of the values' shape, says which pixels there are; null for all. The values of the
 * others, in [0, 1], have no meaning then.
 */
export function skeletonOf(
  values: Tensor,
  spatialAxes: readonly number[],
  iterations: number,
  counts: Tensor | null = null,
): Tensor {
  const select = (x: Tensor, otherwise: (x: Tensor) => Tensor) => (counts ? tf.where(counts, x, otherwise(x)) : x);
  const erode = (x: Tensor) => leastOfCross(select(x, tf.onesLike), spatialAxes);
  const dilate = (x: Tensor) => largestOfCube(select(x, tf.zerosLike), spatialAxes);

  let current = values;
  let eroded = erode(current);
  let skeleton = tf.relu(tf.sub(current, dilate(eroded)));
  for (let k = 0; k < iterations; k++) {
    current = eroded;
    eroded = erode(current);
    const taken = tf.relu(tf.sub(current, dilate(eroded)));
    skeleton = tf.add(skeleton, tf.relu(tf.sub(taken, tf.mul(skeleton, taken))));
  }
  return skeleton;
}
