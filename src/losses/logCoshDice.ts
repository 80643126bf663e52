import type { Tensor } from '@tensorflow/tfjs-core';
import { checkBoolean } from '../checks.js';
import type { SumName } from '../kernels/contract.js';
import type { OverlapOf } from '../overlap/overlap.js';
import { diceCoefficient, type DiceLossOptions } from './dice.js';
import type { Reduction, RegionResult } from './options.js';
import { regionLoss, regionLossOfTable, type RegionFormula } from './region.js';

export type LogCoshDiceLossOptions<R extends Reduction = Reduction> = Omit<DiceLossOptions<R>, 'log'>;

export const logCoshDice: RegionFormula<LogCoshDiceLossOptions> = {
  options: ['squared'],
  check: (fn, { squared = false }) => checkBoolean(fn, 'squared', squared),
  squared: ({ squared = false }) => squared,
  value: (a, sums, _, smooth) => a.logCosh(a.sub(1, diceCoefficient(a, sums, smooth))),
};

/**
 * Log-cosh Dice loss: per sample and class log(cosh(d)), with d the value of `diceLoss`. About d²/2, so its gradient
 * fades as the overlap becomes right: it ends smoothly where Dice has a kink.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 0.434]; what an absent
 * class costs under `'penalize'`, its mean probability, in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[1, 0, 0, 0]], [1, 2, 2, 1]); // a mask with one class
 * const logits = tf.zeros([1, 2, 2, 1]);
 * diceLoss(labels, logits); // 0.66667
 * logCoshDiceLoss(labels, logits); // 0.20748
 * ```
 *
 * @see Jadon, A survey of loss functions for semantic segmentation, CIBCB 2020, arXiv 2006.14822
 */
export function logCoshDiceLoss<R extends Reduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: LogCoshDiceLossOptions<R> = {},
): RegionResult<R> {
  return regionLoss('logCoshDiceLoss', logCoshDice, labels, predictions, options) as RegionResult<R>;
}

/** `logCoshDiceLoss` of sums that `overlap` or `mergeOverlaps` gave, with the same options. See `mergeOverlaps`. */
export function logCoshDiceFromOverlap<R extends Reduction = 'mean'>(
  table: Partial<OverlapOf<SumName>>,
  options: LogCoshDiceLossOptions<R> = {},
): RegionResult<R> {
  return regionLossOfTable('logCoshDiceFromOverlap', logCoshDice, table, options) as RegionResult<R>;
}
