import { makePassLoss } from './descriptions/makeLoss.js';
import type { PixelLoss } from './descriptions/lossDescription.js';
import { FOCAL_RULES, resolveFocal, type FocalLossOptions } from './families/focalTerm.js';
import { perPixelTerms } from './families/perPixel.js';

/**
 * Focal loss for soft labels (quality focal loss), averaged over the pixels that count. With class weights w, the value
 * of a pixel is -Σ_c w_c abs(t_c - p_c)^gamma t_c log p_c under softmax. Under sigmoid it is the mean over classes of
 * -w_c abs(t - p)^gamma (t log p + (1 - t) log(1 - p)). On hard labels it is -(1 - p)^gamma log p with the p of the
 * labelled class, which is the focal loss of Lin et al. With gamma = 0 it is exactly `crossEntropyLoss`.
 *
 * For gamma > 0 it is 0 exactly at p = t on soft labels. For gamma < 1 the slope of abs(t - p)^gamma would be infinite
 * at p = t. It is taken to be 0 there and, where the difference is below 1e-6, to be that at 1e-6.
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
 * @function
 */
export const focalLoss: PixelLoss<FocalLossOptions> = /* @__PURE__ */ makePassLoss<
  FocalLossOptions,
  PixelLoss<FocalLossOptions>
>({
  name: 'focalLoss',
  options: FOCAL_RULES,
  own: ['gamma', 'alpha'],
  range: [0, 1e9],
  lowestAtLabels: true,
  resolve: (reading, options) => perPixelTerms(resolveFocal(options, reading)),
});
