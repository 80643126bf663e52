import type { Tensor } from '@tensorflow/tfjs-core';
import { checkNumber, checkOptionNames, fail } from '../checks.js';
import type { PassActivation } from '../kernels/contract.js';
import { resolveInputs } from '../overlap/inputs.js';
import { PER_PIXEL_OPTIONS, type PerPixelOptions, type PerPixelResult, type Reduction } from './options.js';
import { perPixelLoss, resolvePerPixel, type PerPixel, type ResolvedPerPixel } from './perPixel.js';

export interface FocalLossOptions<R extends Reduction = Reduction> extends PerPixelOptions<R> {
  /** The exponent, >= 0: how much less the pixels weigh that are nearly right. Default 2. */
  gamma?: number;
  /**
   * In [0, 1], for sigmoid (and other binary cross-entropies): multiplies a pixel's term with
   * alpha·t + (1 - alpha)(1 - t), which leaves the minimum at p = t. Default none, a factor of 1.
   */
  alpha?: number;
}

export const FOCAL_OPTIONS = [...PER_PIXEL_OPTIONS, 'gamma', 'alpha'] as const;

/**
 * Focal loss for soft labels (quality focal loss): the mean over the pixels that count of
 * -Σ_c w_c abs(t_c - p_c)^gamma t_c log p_c under softmax, and under sigmoid of the mean over classes of
 * -w_c abs(t - p)^gamma (t log p + (1 - t) log(1 - p)), with class weights w. On hard labels it is the focal loss of
 * Lin et al., -(1 - p)^gamma log p of the class that is right; with gamma = 0 it is `crossEntropyLoss`, exactly.
 *
 * For gamma > 0 it is 0 exactly at p = t on soft labels. For gamma < 1 the slope of abs(t - p)^gamma at 0 is 0, and next
 * to it that at 1e-6.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, ...spatial]` with reduction `'none'`; `[N]` with `'sample'`. Values are nats, >= 0
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0.93, 0, 0.4, 1]], [1, 2, 2, 1]); // the share of annotators who marked the pixel
 * const logits = tf.tensor([[3, -4, 0, 1]], [1, 2, 2, 1]);
 * focalLoss(labels, logits, { alpha: 0.75 });
 * focalLoss(labels, logits, { reduction: 'none' }); // shape [1, 2, 2]
 * ```
 *
 * @see Li et al., Generalized focal loss, NeurIPS 2020, arXiv 2006.04388; Lin et al., Focal loss for dense object
 * detection, ICCV 2017, arXiv 1708.02002
 */
export function focalLoss<R extends Reduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: FocalLossOptions<R> = {},
): PerPixelResult<R> {
  return perPixelLoss(resolveFocalLoss, labels, predictions, options) as PerPixelResult<R>;
}

/** Inside tf.tidy. */
export function resolveFocalLoss(labels: Tensor, predictions: Tensor, options: FocalLossOptions): ResolvedPerPixel {
  const fn = 'focalLoss';
  checkOptionNames(fn, options, FOCAL_OPTIONS);
  const inputs = resolveInputs(fn, labels, predictions, options);
  return { inputs, loss: resolveFocal(fn, options, inputs.activation, inputs.layout.classes) };
}

export function resolveFocal(
  fn: string,
  { classWeights, classes, hardest, reduction, gamma = 2, alpha }: FocalLossOptions,
  activation: PassActivation,
  classCount: number,
): PerPixel {
  checkNumber(fn, 'gamma', gamma, { least: 0 });
  const loss = resolvePerPixel(
    fn,
    'byActivation',
    { classWeights, classes, hardest, reduction },
    activation,
    classCount,
  );
  if (alpha !== undefined) {
    checkNumber(fn, 'alpha', alpha, { least: 0, most: 1 });
    if (loss.entropy.kind !== 'binary') fail(fn, 'alpha goes with sigmoid only; classWeights is for softmax');
  }
  const plain = gamma === 0 && alpha === undefined;
  return { ...loss, focal: plain ? null : { gamma, alpha: alpha ?? null } };
}
