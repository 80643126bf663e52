import type { Algebra } from '../algebra/algebra.js';
import { makeRegionLoss } from './descriptions/makeRegionLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import { FLAG } from './descriptions/optionRules.js';
import type { Reduction, RegionOptions } from './families/options.js';
import type { RegionSums } from './families/regionFormula.js';

export interface DiceLossOptions<R extends Reduction = Reduction> extends RegionOptions<R> {
  /** Use the squared sums (V-Net): 1 - (2Σ w p t + s)/(Σ w p² + Σ w t² + s), which is 0 at p = t. Default false. */
  squared?: boolean;
  /**
   * Take -log of the Dice coefficient, which is also 0 at p = t. Below a coefficient of 1e-6 the logarithm is replaced
   * by its tangent at 1e-6. Default false.
   */
  log?: boolean;
}

/**
 * Soft Dice loss: per sample and class 1 - (2I + s)/(P + T + s), with P = Σ w p, T = Σ w t, and
 * I = Σ w min(p, t) (`overlap: 'metric'`, the metric form) or Σ w p t (`'product'`, the product form).
 *
 * In the metric form it is 0 exactly at p = t on soft labels. The product form is not: with t = 0.3 it is smallest at
 * p = 1, so a network trained on it rounds its answers. On hard labels the two forms are the same.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 1]; with `log` in
 * [0, 14.9]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 2, 2, 1]], [1, 2, 2], 'int32'); // class indices of a 2×2 image
 * const logits = tf.zeros([1, 2, 2, 3]);
 * diceLoss(labels, logits, { classes: [1, 2] }); // without the background
 * diceLoss(labels, logits, { log: true, overlap: 'product' });
 * ```
 *
 * @see Milletari et al., V-Net, 3DV 2016, arXiv 1606.04797; Wang et al., Dice semimetric losses, MICCAI 2023,
 * arXiv 2303.16296
 * @function
 */
export const diceLoss: ClassLoss<DiceLossOptions> = /* @__PURE__ */ makeRegionLoss<DiceLossOptions>({
  name: 'diceLoss',
  options: { squared: FLAG, log: FLAG },
  range: [0, 14.9],
  lowestAtLabels: ({ overlap, squared }) => overlap !== 'product' || squared === true,
  squared: ({ squared }) => squared,
  value(a, sums, { log, smooth }) {
    const coefficient = diceCoefficient(a, sums, smooth);
    return log ? a.mul(a.log(coefficient), -1) : a.sub(1, coefficient);
  },
});

/** (2I + s)/(P + T + s). */
export function diceCoefficient<M>(
  a: Algebra<M>,
  { intersection, predicted, labelled }: Pick<RegionSums<M>, 'intersection' | 'predicted' | 'labelled'>,
  smooth: number,
): M {
  return a.divide(a.add(a.mul(intersection, 2), smooth), a.add(a.add(predicted, labelled), smooth), 1);
}
