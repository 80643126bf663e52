import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkDtype, checkHoldsValues, checkOptionNames, checkTensor, fail } from '../checks.js';
import { checkTensorValues } from '../checkValues.js';
import { resolveSpacing, type Spacing } from './spacing.js';
import { squaredDistances } from './squaredDistances.js';

export interface DistanceTransformOptions {
  /** The distance between neighbouring pixels, > 0: a number, or one for each spatial axis. Default 1. */
  spacing?: Spacing;
}

/**
 * Exact Euclidean distance transform: each pixel that is set gets the distance to the nearest pixel that is not set,
 * from centre to centre. Pixels that are not set get 0. If all pixels of a sample are set, they get Infinity.
 *
 * It reads the mask back, and computes in float64 on the processor in time linear in the number of pixels.
 *
 * @param mask `[N, ...spatial]` with one or more spatial axes, bool, int32 or float32; above 0.5 is set
 * @returns float32 of the same shape, >= 0, in the unit of `spacing`
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const mask = tf.tensor([[[0, 1, 1], [1, 1, 1]]]); // one image of 2×3 pixels
 * distanceTransform(mask); // [[[0, 1, 2], [1, 1.4142, 2.2361]]]
 * distanceTransform(mask, { spacing: [3, 0.5] }); // [[[0, 0.5, 1], [3, 3.0414, 3.1623]]]
 * ```
 *
 * @see Felzenszwalb & Huttenlocher, Distance transforms of sampled functions, Theory of Computing 8, 2012
 */
export function distanceTransform(mask: Tensor, options: DistanceTransformOptions = {}): Tensor {
  return inFunction('distanceTransform', () => {
    checkTensor('mask', mask);
    checkHoldsValues('mask', mask);
    checkDtype('mask', mask, ['bool', 'int32', 'float32']);
    checkOptionNames(options, ['spacing']);
    const [samples = 0, ...spatial] = mask.shape;
    const spacing = resolveSpacing(options.spacing ?? 1, spatial);
    checkTensorValues(`${mask.dtype} ${mask.rank}`, { mask }, (values) => {
      if (values.mask.some(Number.isNaN)) fail('mask must not hold NaN');
    });
    const pixels = mask.size / Math.max(samples, 1);
    const values = mask.dataSync();
    const distances = new Float32Array(mask.size);
    for (let start = 0; start < mask.size; start += pixels) {
      const seeds = Uint8Array.from(values.subarray(start, start + pixels), (value) => (value > 0.5 ? 0 : 1));
      distances.set(squaredDistances(seeds, spatial, spacing).map(Math.sqrt), start);
    }
    return tf.tensor(distances, mask.shape);
  });
}
