import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkBoolean, checkOptionNames } from '../../checks.js';
import { SURFACE_OPTIONS, type SurfaceOptions } from './surfaceMasks.js';
import { surfaceScores } from './surfaceScores.js';

export interface AverageSurfaceDistanceOptions extends SurfaceOptions {
  /**
   * `true` (default): the mean over the pixels of both surfaces. `false` (MONAI's default): the mean over the pixels of
   * the predicted surface only, which does not notice labelled parts that the prediction misses.
   */
  symmetric?: boolean;
}

/**
 * Average distance of the surfaces of two masks, per sample and class: the mean over the pixels of both surfaces of the
 * distance to the nearest pixel of the other surface. A pixel of a mask is on its surface if one of its 4 neighbours (6
 * in 3-D) is not in the mask or lies outside the image.
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
 * averageSurfaceDistance(labels, predictions, { classCount: 2, classes: [1] }); // [[1]]
 * averageSurfaceDistance(labels, predictions, { classCount: 2, classes: [1], symmetric: false }); // [[1.5]]
 * ```
 */
export function averageSurfaceDistance(
  labels: Tensor,
  predictions: Tensor,
  options: AverageSurfaceDistanceOptions = {},
): Tensor2D {
  return inFunction('averageSurfaceDistance', () => {
    checkOptionNames(options, [...SURFACE_OPTIONS, 'symmetric']);
    const { symmetric = true } = options;
    checkBoolean('symmetric', symmetric);
    return surfaceScores(labels, predictions, options, ({ fromPredicted, fromLabelled }) => {
      if (fromPredicted.length + fromLabelled.length === 0) return NaN;
      if (fromPredicted.length === 0 || fromLabelled.length === 0) return Infinity;
      const ways = symmetric ? [fromPredicted, fromLabelled] : [fromPredicted];
      const total = ways.reduce((sum, distances) => distances.reduce((a, b) => a + b, sum), 0);
      return total / ways.reduce((sum, { length }) => sum + length, 0);
    });
  });
}
