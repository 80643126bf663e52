import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkNumber, checkOptionNames } from '../../checks.js';
import { SURFACE_OPTIONS, type SurfaceOptions } from './surfaceMasks.js';
import { surfaceScores } from './surfaceScores.js';

export interface NormalizedSurfaceDiceOptions extends SurfaceOptions {
  /** The distance up to which surfaces count as equal, >= 0, in the unit of `spacing`. Default 1. */
  tolerance?: number;
}

/**
 * Normalized surface Dice of two masks, per sample and class: the share of the pixels of both surfaces that lie within
 * `tolerance` of the other surface. Surfaces are measured by the number of their pixels, and distances are compared in
 * float32. A pixel of a mask is on its surface if one of its 4 neighbours (6 in 3-D) is not in the mask or lies outside
 * the image.
 *
 * If neither mask has a pixel, the value is NaN: leave it out of means. If only one has, it is 0. The function reads
 * both tensors back.
 *
 * @param labels soft labels `[N, ...spatial, C]`, or int32 class indices `[N, ...spatial]`
 * @param predictions logits or masks `[N, ...spatial, C]`, or int32 class indices `[N, ...spatial]`; a pixel that does
 * not count belongs to no mask
 * @returns `[N, C]`, or a column for each of the `classes`; in [0, 1]
 * @throws if shapes, dtypes or options do not fit, if int32 labels and predictions may be class indices or masks, or if
 * an index of a pixel that counts is outside 0..C-1
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0, 1, 1, 0, 0, 0]]], [1, 1, 6], 'int32'); // an image of 1×6 pixels
 * const predictions = tf.tensor([[[0, 1, 0, 0, 0, 1]]], [1, 1, 6], 'int32');
 * normalizedSurfaceDice(labels, predictions, { classCount: 2, classes: [1] }); // [[0.75]]
 * normalizedSurfaceDice(labels, predictions, { classCount: 2, classes: [1], tolerance: 0 }); // [[0.5]]
 * ```
 *
 * @see Nikolov et al., Deep learning to achieve clinically applicable segmentation of head and neck anatomy for
 * radiotherapy, 2018, arXiv 1809.04430 (which measures surfaces by area)
 */
export function normalizedSurfaceDice(
  labels: Tensor,
  predictions: Tensor,
  options: NormalizedSurfaceDiceOptions = {},
): Tensor2D {
  return inFunction('normalizedSurfaceDice', () => {
    checkOptionNames(options, [...SURFACE_OPTIONS, 'tolerance']);
    const { tolerance = 1 } = options;
    checkNumber('tolerance', tolerance, { least: 0 });
    // They are compared in float32, because in float64 three steps of 0.1 would not be within 0.3.
    const within = (distance: number) => Math.fround(distance) <= Math.fround(tolerance);
    return surfaceScores(labels, predictions, options, ({ fromPredicted, fromLabelled }) => {
      const near = fromPredicted.filter(within).length + fromLabelled.filter(within).length;
      return near / (fromPredicted.length + fromLabelled.length);
    });
  });
}
