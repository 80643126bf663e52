import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkNumber, checkOptionNames, fail, show } from '../checks.js';
import { resolveInputs, type LossInputs } from '../overlap/inputs.js';
import { lossOfTerm, passTerm, type SumTerm } from '../overlap/terms.js';
import { resolveFocal } from './focal.js';
import { REGION_OPTIONS, type Reduction, type RegionOptions, type RegionResult } from './options.js';
import { perPixelTerm, type PerPixel } from './perPixel.js';
import { regionFormula } from './region.js';
import { tversky } from './tversky.js';

export interface UnifiedFocalLossOptions<
  R extends Exclude<Reduction, 'none'> = Exclude<Reduction, 'none'>,
> extends RegionOptions<R> {
  /** The share of the focal cross-entropy, in [0, 1]; the rest is focal Tversky. Default 0.5. */
  lambda?: number;
  /** The weight of the foreground and of missed pixels, in (0, 1); background and false ones have the rest. Default 0.6. */
  delta?: number;
  /** In (0, 1]: the smaller, the less weigh the pixels that are nearly right. Default 0.5. */
  gamma?: number;
}

export const UNIFIED_FOCAL_OPTIONS = [...REGION_OPTIONS, 'lambda', 'delta', 'gamma'] as const;

/**
 * Symmetric unified focal loss: lambda·F + (1 - lambda)·R. F is `focalLoss` with exponent 1 - gamma, in which the terms
 * of the foreground have weight delta and those of the background 1 - delta: under softmax class 0 is the background,
 * under sigmoid t log p is the foreground and (1 - t) log(1 - p) the background. R is `tverskyLoss` with
 * alpha = 1 - delta, beta = delta and exponent gamma.
 *
 * Both are 0 at p = t on soft labels, for gamma < 1 and `overlap: 'metric'`.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N]` with reduction `'sample'`
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 1, 0, 0]], [1, 2, 2, 1]); // a mask with one class
 * const logits = tf.tensor([[-3, 0.5, -1, -2]], [1, 2, 2, 1]);
 * unifiedFocalLoss(labels, logits, { delta: 0.7 });
 * ```
 *
 * @see Yeung et al., Unified focal loss, Computerized Medical Imaging and Graphics 2022, arXiv 2102.04525
 */
export function unifiedFocalLoss<R extends Exclude<Reduction, 'none'> = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: UnifiedFocalLossOptions<R> = {},
): RegionResult<R> {
  return tf.tidy(() => tf.addN(unifiedFocalTerms(labels, predictions, options).map(lossOfTerm))) as RegionResult<R>;
}

/** Inside tf.tidy. */
export function unifiedFocalTerms(labels: Tensor, predictions: Tensor, options: UnifiedFocalLossOptions): SumTerm[] {
  const fn = 'unifiedFocalLoss';
  checkOptionNames(fn, options, UNIFIED_FOCAL_OPTIONS);
  const { lambda = 0.5, delta = 0.6, gamma = 0.5 } = options;
  checkNumber(fn, 'lambda', lambda, { least: 0, most: 1 });
  checkNumber(fn, 'gamma', gamma, { least: 0, most: 1, open: true });
  const inside = typeof delta === 'number' && delta > 0 && delta < 1;
  if (!inside) fail(fn, `delta must be a number between 0 and 1, got ${show(delta)}`);
  const inputs = resolveInputs(fn, labels, predictions, options);
  const region = { ...options, gamma, alpha: 1 - delta, beta: delta };
  const focal = withForeground(resolveFocal(fn, { ...options, gamma: 1 - gamma }, ...focalOf(inputs)), delta);
  const perPixel = perPixelTerm(inputs, focal, lambda);
  if (!perPixel) fail(fn, `reduction must be 'mean', 'sum' or 'sample', got 'none'`);
  const formula = regionFormula(fn, tversky, region, inputs.layout.classes);
  return [perPixel, passTerm(inputs, formula, undefined, 1 - lambda)];
}

const focalOf = ({ activation, layout }: LossInputs) => [activation, layout.classes] as const;

/** Weighs the terms of the foreground with delta, and those of the background with 1 - delta. */
function withForeground(loss: PerPixel, delta: number): PerPixel {
  const { entropy, coefficients } = loss;
  if (entropy.kind === 'categorical') {
    return { ...loss, coefficients: coefficients.map((x, c) => x * (c === 0 ? 1 - delta : delta)) };
  }
  return {
    ...loss,
    entropy: { ...entropy, posWeight: coefficients.map(() => delta / (1 - delta)) },
    coefficients: coefficients.map((x) => x * (1 - delta)),
  };
}
