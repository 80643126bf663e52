import { makeRegionLoss } from './descriptions/makeRegionLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import type { Reduction, RegionOptions } from './families/options.js';
import type { RegionValue } from './families/regionFormula.js';

export interface TverskyLossOptions<R extends Reduction = Reduction> extends RegionOptions<R> {
  /** Weight of the false positives, >= 0. Default 0.5. */
  alpha?: number;
  /** Weight of the false negatives, >= 0. Default 0.5. */
  beta?: number;
  /** Exponent of the loss, > 0 (focal Tversky: below 1, say 0.75). Default 1. */
  gamma?: number;
}

/** The formula of `tverskyLoss`, which is also a part of `unifiedFocalLoss`. */
export const tversky: RegionValue<TverskyLossOptions> = {
  options: {
    alpha: { kind: 'number', default: 0.5, least: 0, ownMeaning: true },
    beta: { kind: 'number', default: 0.5, least: 0 },
    gamma: { kind: 'number', default: 1, least: 0, open: true, ownMeaning: true },
  },
  value(a, { intersection, predicted, labelled }, { alpha, beta, gamma, smooth }) {
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
 * alpha = beta = 0.5 is Dice, alpha = beta = 1 is IoU; beta > alpha punishes missed pixels more than false ones. With
 * gamma below 1 the gradient gets steeper as the loss falls (below 1e-6 it is as steep as at 1e-6); with gamma above 1
 * it gets flatter.
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
 * @function
 */
export const tverskyLoss: ClassLoss<TverskyLossOptions> = /* @__PURE__ */ makeRegionLoss<TverskyLossOptions>({
  name: 'tverskyLoss',
  ...tversky,
});
