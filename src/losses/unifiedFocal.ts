import type { Tensor } from '@tensorflow/tfjs-core';
import { fail } from '../checks.js';
import { mergeTerms } from '../overlap/mergeTerms.js';
import { makePassLoss } from './descriptions/makeLoss.js';
import { resolveFocal } from './families/focalTerm.js';
import type { Described } from './descriptions/lossDescription.js';
import { completeOptions, joinRules, type OptionRules } from './descriptions/optionRules.js';
import { REGION_RULES, type Reduction, type RegionOptions, type RegionResult } from './families/options.js';
import { perPixelTerms, type PerPixel } from './families/perPixel.js';
import { regionFormula } from './families/regionFormula.js';
import { tversky } from './tversky.js';

export interface UnifiedFocalLossOptions<
  R extends Exclude<Reduction, 'none'> = Exclude<Reduction, 'none'>,
> extends RegionOptions<R> {
  /** The share of the focal cross-entropy, in [0, 1]; the rest is focal Tversky. Default 0.5. */
  lambda?: number;
  /**
   * The weight of foreground and of missed pixels, in (0, 1); background and false positives have 1 - delta. Default
   * 0.6.
   */
  delta?: number;
  /** In (0, 1]: the smaller it is, the less weight pixels have that are nearly right. Default 0.5. */
  gamma?: number;
}

export interface UnifiedFocalLoss extends Described<UnifiedFocalLossOptions> {
  <R extends Exclude<Reduction, 'none'> = 'mean'>(
    labels: Tensor,
    predictions: Tensor,
    options?: UnifiedFocalLossOptions & { reduction?: R },
  ): RegionResult<R>;
}

const OWN_RULES: OptionRules<Pick<UnifiedFocalLossOptions, 'lambda' | 'delta' | 'gamma'>> = {
  lambda: { kind: 'number', default: 0.5, least: 0, most: 1 },
  delta: { kind: 'number', default: 0.6, least: 0, most: 1, open: 'both' },
  gamma: { kind: 'number', default: 0.5, least: 0, most: 1, open: true, ownMeaning: true },
};

/**
 * Symmetric unified focal loss: lambda·F + (1 - lambda)·R. F is `focalLoss` with exponent 1 - gamma. Its terms for the
 * foreground have weight delta, and those for the background 1 - delta. Under softmax, class 0 is the background; under
 * sigmoid, t log p is the term of the foreground and (1 - t) log(1 - p) that of the background. R is `tverskyLoss` with
 * alpha = 1 - delta, beta = delta and exponent gamma.
 *
 * F and R are both 0 at p = t on soft labels, if gamma < 1 and `overlap` is `'metric'`.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N]` with reduction `'sample'`
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 1, 0, 0]], [1, 2, 2, 1]); // a mask with one class
 * const logits = tf.tensor([[-3, 0.5, -1, -2]], [1, 2, 2, 1]);
 * unifiedFocalLoss(labels, logits, { delta: 0.7 });
 * ```
 *
 * @see Yeung et al., Unified focal loss, Computerized Medical Imaging and Graphics 2022, arXiv 2102.04525
 * @function
 */
export const unifiedFocalLoss: UnifiedFocalLoss = /* @__PURE__ */ makePassLoss<
  UnifiedFocalLossOptions,
  UnifiedFocalLoss
>({
  name: 'unifiedFocalLoss',
  options: /* @__PURE__ */ joinRules(REGION_RULES, OWN_RULES) as OptionRules<UnifiedFocalLossOptions>,
  own: ['lambda', 'delta', 'gamma'],
  range: [0, 1e9],
  lowestAtLabels: ({ overlap, gamma }) => overlap !== 'product' && gamma !== 1,
  resolve(reading, options) {
    const { lambda, delta, gamma } = completeOptions(OWN_RULES, options);
    if ((options.reduction as string) === 'none') fail(`reduction must be 'mean', 'sum' or 'sample', got 'none'`);
    const region = { ...options, gamma, alpha: 1 - delta, beta: delta };
    const focal = withForeground(resolveFocal({ ...options, gamma: 1 - gamma }, reading), delta);
    const formula = regionFormula(tversky, region, reading.classes);
    const { terms } = perPixelTerms(focal, lambda);
    return { terms: mergeTerms([...terms, { weight: 1 - lambda, formula }]), others: [], shape: '[N, C]' };
  },
});

/** Multiplies the terms of the foreground by delta, and those of the background by 1 - delta. */
function withForeground(loss: PerPixel, delta: number): PerPixel {
  const { entropy, coefficients } = loss;
  if (entropy.kind === 'categorical') {
    return { ...loss, coefficients: coefficients.map((x, c) => x * (c === 0 ? 1 - delta : delta)) };
  }
  return {
    ...loss,
    entropy: { ...entropy, posWeight: coefficients.map(() => delta / (1 - delta)) },
    coefficients: coefficients.map((x) => x * (1 - delta)),
  };
}
