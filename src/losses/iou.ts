import { makeRegionLoss } from './descriptions/makeRegionLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import type { Reduction, RegionOptions } from './families/options.js';

export type IouLossOptions<R extends Reduction = Reduction> = RegionOptions<R>;

/**
 * Soft IoU (Jaccard) loss: per sample and class 1 - (I + s)/(P + T - I + s), with P = Σ w p, T = Σ w t, and
 * I = Σ w min(p, t) (`overlap: 'metric'`, the metric form) or Σ w p t (`'product'`, the product form).
 *
 * In the metric form it is 0 exactly at p = t on soft labels, and the usual soft IoU loss on hard ones.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0.93, 0.07], [0, 1]]]); // shape [1, 2, 2]: one sample, two pixels, two classes
 * const logits = tf.tensor([[[2, -1], [0, 3]]]);
 * iouLoss(labels, logits);
 * tf.grad((z) => iouLoss(labels, z, { overlap: 'product', reduction: 'sum' }))(logits);
 * ```
 *
 * @see Wang et al., Jaccard metric losses: optimizing the Jaccard index with soft labels, NeurIPS 2023,
 * arXiv 2302.05666
 * @function
 */
export const iouLoss: ClassLoss<IouLossOptions> = /* @__PURE__ */ makeRegionLoss<IouLossOptions>({
  name: 'iouLoss',
  options: {},
  value(a, { intersection, predicted, labelled }, { smooth }) {
    const union = a.sub(a.add(predicted, labelled), intersection);
    return a.sub(1, a.divide(a.add(intersection, smooth), a.add(union, smooth), 1));
  },
});
