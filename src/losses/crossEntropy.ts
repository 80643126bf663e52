import { makePassLoss } from './descriptions/makeLoss.js';
import type { PixelLoss } from './descriptions/lossDescription.js';
import { CROSS_ENTROPY_RULES, type CrossEntropyOptions, type Reduction } from './families/options.js';
import { perPixelTerms, resolvePerPixel } from './families/perPixel.js';

export type CrossEntropyLossOptions<R extends Reduction = Reduction> = CrossEntropyOptions<R>;

/**
 * Cross-entropy with soft labels: the mean over the pixels that count of -Σ_c w_c t_c log softmax(z)_c, with class
 * weights w. With sigmoid (C = 1, or `activation: 'sigmoid'`) it is `binaryCrossEntropyLoss`.
 *
 * It is smallest at p = t on soft labels, and gives well calibrated probabilities. With `subtractEntropy` its minimum
 * is 0.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, ...spatial]` with reduction `'none'`; `[N]` with `'sample'`. Values are nats, >= 0
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0.93, 0.07], [0, 1]]]); // shape [1, 2, 2]: one sample, two pixels, two classes
 * const logits = tf.tensor([[[2, -1], [0, 3]]]);
 * crossEntropyLoss(labels, logits, { subtractEntropy: true });
 * crossEntropyLoss(labels, logits, { reduction: 'none' }); // shape [1, 2]
 * crossEntropyLoss(labels, logits, { hardest: 0.1 }); // the mean over the worst tenth of each image's pixels
 * ```
 *
 * @see Szegedy et al., Rethinking the Inception architecture (label smoothing), CVPR 2016, arXiv 1512.00567; Wu et al.,
 * Bridging category-level and instance-level semantic image segmentation (the hardest pixels), 2016, arXiv 1605.06885
 * @function
 */
export const crossEntropyLoss: PixelLoss<CrossEntropyLossOptions> = /* @__PURE__ */ makePassLoss<
  CrossEntropyLossOptions,
  PixelLoss<CrossEntropyLossOptions>
>({
  name: 'crossEntropyLoss',
  options: CROSS_ENTROPY_RULES,
  own: ['labelSmoothing', 'subtractEntropy'],
  range: [0, 1e9],
  lowestAtLabels: ({ labelSmoothing, activation, classWeights, classes = 'all' }) =>
    !labelSmoothing && (activation === 'sigmoid' || (classWeights === undefined && classes === 'all')),
  resolve: (reading, options) => perPixelTerms(resolvePerPixel('byActivation', options, reading)),
});
