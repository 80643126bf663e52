import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkAxis, checkCount, checkDtype, checkOptionNames, checkTensor, fail, showShape } from '../checks.js';
import { largestOfCube, smallestOfCross } from './erosion.js';

export interface SoftSkeletonOptions {
  /** The number of erosions, >= 0: at least the largest radius of a structure in pixels. Default 3. */
  iterations?: number;
  /** The class axis; never 0, which is the batch. Default -1. */
  axis?: number;
}

/**
 * Soft skeleton: the residue of repeated morphological openings. E_0 are the values, and E_k+1 = erode(E_k) takes the
 * smallest of a pixel and its 4 neighbours (6 in 3-D). R_k = relu(E_k - dilate(E_k+1)), where dilate takes the largest
 * of 3×3 pixels (3×3×3 in 3-D), is what an opening removes from E_k. The skeleton is S_k for k = `iterations`, with
 * S_0 = R_0 and S_k = S_k-1 + relu(R_k - S_k-1 R_k).
 *
 * It can be differentiated to any order. Where values tie, the gradient is that of PyTorch's pools: it goes to the
 * first pixel of a window, and in halves where the windows of two axes tie. A value of 0 or 1 whose neighbours are
 * equal has no useful gradient.
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

/** The most iterations: each erosion reaches one pixel deeper, so that more would only take time. */
const MOST_ITERATIONS = 10_000;

export function resolveIterations(iterations = 3): number {
  checkCount('iterations', iterations, 0, MOST_ITERATIONS);
  return iterations;
}

/**
 * The soft skeleton. Call it inside tf.tidy. `counts`, in the shape of the values, is true for pixels that count; it is
 * null if all do. At the other pixels the result lies in [0, 1] too, but has no meaning.
 */
export function skeletonOf(
  values: Tensor,
  spatialAxes: readonly number[],
  iterations: number,
  counts: Tensor | null = null,
): Tensor {
  const select = (x: Tensor, otherwise: (x: Tensor) => Tensor) => (counts ? tf.where(counts, x, otherwise(x)) : x);
  const erode = (x: Tensor) => smallestOfCross(select(x, tf.onesLike), spatialAxes);
  const dilate = (x: Tensor) => largestOfCube(select(x, tf.zerosLike), spatialAxes);

  let current = values;
  let eroded = erode(current);
  let skeleton = tf.relu(tf.sub(current, dilate(eroded)));
  for (let k = 0; k < iterations; k++) {
    current = eroded;
    eroded = erode(current);
    const removed = tf.relu(tf.sub(current, dilate(eroded)));
    skeleton = tf.add(skeleton, tf.relu(tf.sub(removed, tf.mul(skeleton, removed))));
  }
  return skeleton;
}
