import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOneOf, checkOptionNames } from '../checks.js';
import { pixels, probabilities, weigh } from '../kernels/composed/pixels.js';
import { ratioOr } from '../ops/ratio.js';
import { sumPixels } from '../ops/sumPixels.js';
import { resolveClasses } from '../losses/families/classes.js';
import { INPUT_OPTIONS, type InputOptions } from '../overlap/options.js';
import { entropyKind, passAttributes, plainEntropy, resolveInputs, type LossInputs } from '../overlap/inputs.js';

export interface BrierOptions extends InputOptions {
  /** `'all'` (default), or the indices of the classes that take part. */
  classes?: 'all' | readonly number[];
}

export interface BrierScoreOptions<R extends 'mean' | 'sample' = 'mean' | 'sample'> extends BrierOptions {
  /** `'mean'` (default): a scalar, over all pixels that count; `'sample'`: `[N]`. */
  reduction?: R;
}

export const BRIER_OPTIONS = [...INPUT_OPTIONS, 'classes'] as const;

/**
 * Brier score: the mean over pixels of (p - t)². The squares are summed over classes that exclude each other (softmax,
 * or C > 1 with another activation), and averaged over classes that may overlap (sigmoid, or C = 1). Lower is better;
 * it is 0 exactly at p = t, on soft labels too. It has gradients, so it can serve as a loss.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar, 0 if no pixel counts; `[N]` with reduction `'sample'`. Values lie in [0, 2], under sigmoid in
 * [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0.9], [0]]]);
 * const probabilities = tf.tensor([[[0.7], [0.1]]]);
 * brierScore(labels, probabilities, { activation: 'none' }); // 0.025
 * ```
 *
 * @see Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78, 1950
 */
export function brierScore<R extends 'mean' | 'sample' = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: BrierScoreOptions<R> = {},
): R extends 'sample' ? Tensor1D : Scalar {
  return inFunction('brierScore', () => {
    checkOptionNames(options, [...BRIER_OPTIONS, 'reduction']);
    const { reduction = 'mean' } = options;
    checkOneOf('reduction', reduction, ['mean', 'sample']);
    return tf.tidy(() => {
      const inputs = resolveInputs(labels, predictions, options);
      const { errors, valid } = brierSums(inputs, options);
      const total = reduction === 'mean' ? tf.sum(errors) : tf.squeeze(errors, [1]);
      const weight = reduction === 'mean' ? tf.sum(valid) : tf.squeeze(valid, [1]);
      return ratioOr(total, weight, 0) as R extends 'sample' ? Tensor1D : Scalar;
    });
  });
}

/** The sum of w times the error of each pixel, and Σ w; both [N,1]. */
export function brierSums(inputs: LossInputs, options: BrierOptions): { errors: Tensor2D; valid: Tensor2D } {
  const { layout, activation, weights } = inputs;
  const { included } = resolveClasses(options, layout.classes);
  const share = entropyKind(activation, layout.classes) === 'binary' ? 1 / included.reduce((a, b) => a + b) : 1;
  const all = pixels(inputs, passAttributes(inputs, plainEntropy(inputs)));
  const squared: Tensor3D = tf.square(tf.sub(probabilities(all.scaled, activation), all.labels));
  const coefficients = tf.tensor3d(included.map((part) => part * share), [1, 1, layout.classes]); // prettier-ignore
  const errors = sumPixels(weigh(tf.sum(tf.mul(squared, coefficients), 2, true), weights));
  return { errors, valid: weights ? sumPixels(weights) : tf.fill([layout.samples, 1], layout.pixels) };
}
