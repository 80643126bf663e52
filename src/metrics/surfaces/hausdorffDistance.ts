import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkBoolean, checkNumber, checkOptionNames } from '../../checks.js';
import { SURFACE_OPTIONS, type SurfaceOptions } from './surfaceMasks.js';
import { surfaceScores } from './surfaceScores.js';

export interface HausdorffDistanceOptions extends SurfaceOptions {
  /**
   * The percentile of the distances to take, 0 to 100, with linear interpolation. Default 100, the largest distance.
   */
  percentile?: number;
  /**
   * `true` (default): the larger of the two directions. `false`: only from the predicted surface to the labelled one.
   */
  symmetric?: boolean;
}

/**
 * Hausdorff distance of the surfaces of two masks, per sample and class: the largest distance (or a percentile, usually
 * the 95th) from a pixel of one surface to the nearest pixel of the other. It is computed in both directions, and the
 * larger value is taken. A pixel of a mask is on its surface if one of its 4 neighbours (6 in 3-D) is not in the mask
 * or lies outside the image.
 *
 * If neither mask has a pixel, the value is NaN: leave it out of means. If only one has, it is Infinity. The function
 * reads both tensors back.
 *
 * @param labels soft labels `[N, ...spatial, C]`, or int32 class indices `[N, ...spatial]`
 * @param predictions logits or masks `[N, ...spatial, C]`, or int32 class indices `[N, ...spatial]`; a pixel that does
 * not count belongs to no mask
 * @returns `[N, C]`, or a column for each of the `classes`; in the unit of `spacing`
 * @throws if shapes, dtypes or options do not fit, if int32 labels and predictions may be class indices or masks, or if
 * an index of a pixel that counts is outside 0..C-1
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0, 1, 1, 0, 0, 0]]], [1, 1, 6], 'int32'); // an image of 1×6 pixels
 * const predictions = tf.tensor([[[0, 1, 0, 0, 0, 1]]], [1, 1, 6], 'int32');
 * hausdorffDistance(labels, predictions, { classCount: 2, classes: [1], spacing: 0.5 }); // [[1.5]]
 * hausdorffDistance(labels, predictions, { classCount: 2, classes: [1], percentile: 95 }); // [[2.85]]
 * ```
 *
 * @see Huttenlocher et al., Comparing images using the Hausdorff distance, IEEE TPAMI 15, 1993
 */
export function hausdorffDistance(
  labels: Tensor,
  predictions: Tensor,
  options: HausdorffDistanceOptions = {},
): Tensor2D {
  return inFunction('hausdorffDistance', () => {
    checkOptionNames(options, [...SURFACE_OPTIONS, 'percentile', 'symmetric']);
    const { percentile = 100, symmetric = true } = options;
    checkNumber('percentile', percentile, { least: 0, most: 100 });
    checkBoolean('symmetric', symmetric);
    return surfaceScores(labels, predictions, options, ({ fromPredicted, fromLabelled }) => {
      if (fromPredicted.length + fromLabelled.length === 0) return NaN;
      // If one mask is empty, it has no distances of its own, and all distances of the other are infinite.
      if (fromPredicted.length === 0 || fromLabelled.length === 0) return Infinity;
      const predicted = percentileOf(fromPredicted, percentile);
      return symmetric ? Math.max(predicted, percentileOf(fromLabelled, percentile)) : predicted;
    });
  });
}

function percentileOf(values: Float64Array, percentile: number): number {
  const sorted = values.slice().sort();
  const place = (percentile / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}
