import { makeRegionLoss } from './descriptions/makeRegionLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import { diceCoefficient } from './dice.js';
import type { Reduction, RegionOptions } from './families/options.js';

export interface GeneralizedDiceLossOptions<R extends Reduction = Reduction> extends RegionOptions<R> {
  /** The weight of a class in the sums: `'square'` (default), 1/T²; `'simple'`, 1/T; `'uniform'`, 1. */
  weighting?: 'square' | 'simple' | 'uniform';
}

/**
 * Generalized Dice loss: per sample 1 - (2Σ_c v_c I_c + s)/(Σ_c v_c (P_c + T_c) + s), with P = Σ w p, T = Σ w t, and
 * I = Σ w min(p, t) (`overlap: 'metric'`) or Σ w p t (`'product'`). The v are the class weights times 1/T²
 * (`weighting`), divided by their sum over the classes of the sample, so that a small class counts as much as a large
 * one.
 *
 * An absent class (T = 0) has v = 0, except with `weighting: 'uniform'` and `absent: 'smooth'`. With
 * `absent: 'penalize'` it costs its mean predicted probability, and the value of the sample is the weighted mean over
 * classes of this cost for those that are absent, and of the ratio above for the others.
 *
 * In the metric form it is 0 exactly at p = t on soft labels, for the classes that are present.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, 1]` with reduction `'none'`, because the ratio adds up the classes; `[N]` with `'sample'`.
 * Values lie in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 0, 0, 2]], [1, 2, 2], 'int32'); // class indices of a 2×2 image
 * const logits = tf.zeros([1, 2, 2, 3]);
 * generalizedDiceLoss(labels, logits); // 0.68421
 * generalizedDiceLoss(labels, logits, { weighting: 'simple', reduction: 'none' }); // shape [1, 1]
 * ```
 *
 * @see Sudre et al., Generalised Dice overlap as a deep learning loss function, DLMIA 2017, arXiv 1707.03237
 * @function
 */
export const generalizedDiceLoss: ClassLoss<GeneralizedDiceLossOptions> =
  /* @__PURE__ */ makeRegionLoss<GeneralizedDiceLossOptions>({
    name: 'generalizedDiceLoss',
    options: { weighting: { kind: 'choice', default: 'square', values: ['square', 'simple', 'uniform'] } },
    acrossClasses: true,
    value(a, { intersection, predicted, labelled, classWeights }, { weighting, smooth }) {
      // Each class's 1/T as a share of their sum. The square of the share stays in the range of float32; that of 1/T
      // may not.
      const inverse = a.divide(a.step(labelled), labelled, 0);
      const rarity = a.divide(inverse, a.sumOfColumns(inverse), 0);
      const factor = { uniform: null, simple: rarity, square: a.mul(rarity, rarity) }[weighting];
      const shares = factor ? a.mul(classWeights, factor) : classWeights;
      const normalized = a.divide(shares, a.sumOfColumns(shares), 0);
      const total = (sum: typeof labelled) => a.sumOfColumns(a.mul(normalized, sum));
      const sums = { intersection: total(intersection), predicted: total(predicted), labelled: total(labelled) };
      return a.sub(1, diceCoefficient(a, sums, smooth));
    },
  });
