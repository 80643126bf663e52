import type { Tensor } from '@tensorflow/tfjs-core';
import { checkNumber } from '../checks.js';
import type { SumName } from '../kernels/contract.js';
import type { OverlapOf } from '../overlap/overlap.js';
import type { Reduction, RegionOptions, RegionResult } from './options.js';
import { regionLoss, regionLossOfTable, type RegionFormula } from './region.js';

export interface TverskyLossOptions<R extends Reduction = Reduction> extends RegionOptions<R> {
  /** Weight of the false positives, >= 0. Default 0.5. */
  alpha?: number;
  /** Weight of the false negatives, >= 0. Default 0.5. */
  beta?: number;
  /** Exponent of the loss, > 0 (focal Tversky: below 1 it favours hard classes). Default 1. */
  gamma?: number;
}

export const tversky: RegionFormula<TverskyLossOptions> = {
  options: ['alpha', 'beta', 'gamma'],
  check(fn, { alpha = 0.5, beta = 0.5, gamma = 1 }) {
    checkNumber(fn, 'alpha', alpha, { least: 0 });
    checkNumber(fn, 'beta', beta, { least: 0 });
    checkNumber(fn, 'gamma', gamma, { least: 0, open: true });
  },
  value(a, { intersection, predicted, labelled }, { alpha = 0.5, beta = 0.5, gamma = 1 }, smooth) {
    const falsePositives = a.mul(a.sub(predicted, intersection), alpha);
    const falseNegatives = a.mul(a.sub(labelled, intersection), beta);
    const found = a.add(intersection, smooth);
    const loss = a.sub(1, a.divide(found, a.add(found, a.add(falsePositives, falseNegatives)), 1));
    return gamma === 1 ? loss : a.power(loss, gamma);
  },
};

/**
 * Tversky loss: per sample and class (1 - (I + s)/(I + alpha·FP + beta·FN + s))^gamma, with FP = P - I, FN = T - I,
 * P = Σ w p, T = Σ w t, and I = Σ w min(p, t) (`overlap: 'metric'`) or Σ w p t (`'product'`).
 *
 * alpha = beta = 0.5 is Dice, alpha = beta = 1 is IoU; beta > alpha punishes missed pixels more than false ones.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 1, 0, 0]], [1, 2, 2, 1]); // a mask with one class
 * const logits = tf.tensor([[-3, 0.5, -1, -2]], [1, 2, 2, 1]);
 * tverskyLoss(labels, logits, { alpha: 0.3, beta: 0.7, gamma: 0.75 });
 * ```
 *
 * @see Salehi et al., Tversky loss function, MLMI 2017, arXiv 1706.05721; Abraham & Khan, focal Tversky, ISBI 2019,
 * arXiv 1810.07842
 */
export function tverskyLoss<R extends Reduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: TverskyLossOptions<R> = {},
): RegionResult<R> {
  return regionLoss('tverskyLoss', tversky, labels, predictions, options) as RegionResult<R>;
}

/** `tverskyLoss` of sums that `overlap` or `mergeOverlaps` gave, with the same options. See `mergeOverlaps`. */
export function tverskyFromOverlap<R extends Reduction = 'mean'>(
  table: Partial<OverlapOf<SumName>>,
  options: TverskyLossOptions<R> = {},
): RegionResult<R> {
  return regionLossOfTable('tverskyFromOverlap', tversky, table, options) as RegionResult<R>;
}
