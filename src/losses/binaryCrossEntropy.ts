import { makePassLoss } from './descriptions/makeLoss.js';
import type { PixelLoss } from './descriptions/lossDescription.js';
import { joinRules, OTHER } from './descriptions/optionRules.js';
import { CROSS_ENTROPY_RULES, type CrossEntropyOptions, type Reduction } from './families/options.js';
import { perPixelTerms, resolvePerPixel } from './families/perPixel.js';

export interface BinaryCrossEntropyLossOptions<R extends Reduction = Reduction> extends CrossEntropyOptions<R> {
  /** The factor of the positive term t log p, >= 0: a number, or one per class. Default 1. */
  posWeight?: number | readonly number[];
}

/**
 * Binary cross-entropy with logits and soft targets: -w_c (q_c t log p + (1 - t) log(1 - p)), with class weights w and
 * `posWeight` q, averaged over the classes and the pixels that count. It is meant for one class, or for several that
 * may overlap (multilabel). It stays exact for saturated logits.
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
 * binaryCrossEntropyLoss(labels, logits, { posWeight: 2 });
 * ```
 * @function
 */
export const binaryCrossEntropyLoss: PixelLoss<BinaryCrossEntropyLossOptions> = /* @__PURE__ */ makePassLoss<
  BinaryCrossEntropyLossOptions,
  PixelLoss<BinaryCrossEntropyLossOptions>
>({
  name: 'binaryCrossEntropyLoss',
  options: /* @__PURE__ */ joinRules(CROSS_ENTROPY_RULES, { posWeight: OTHER }),
  own: ['labelSmoothing', 'subtractEntropy', 'posWeight'],
  activation: () => 'sigmoid',
  range: [0, 1e9],
  lowestAtLabels: ({ posWeight, labelSmoothing }) => posWeight === undefined && !labelSmoothing,
  resolve: (reading, options) => perPixelTerms(resolvePerPixel('binary', options, reading)),
});
