/** The focal cross-entropy of focalLoss and unifiedFocalLoss. */
import { fail } from '../../checks.js';
import type { PredictionSpec } from '../descriptions/lossDescription.js';
import { completeOptions, joinRules, type OptionRules } from '../descriptions/optionRules.js';
import { PER_PIXEL_RULES, type PerPixelOptions, type Reduction } from './options.js';
import { resolvePerPixel, type PerPixel } from './perPixel.js';

export interface FocalLossOptions<R extends Reduction = Reduction> extends PerPixelOptions<R> {
  /** The exponent, >= 0: the larger it is, the less weight pixels have that are nearly right. Default 2. */
  gamma?: number;
  /**
   * A number in [0, 1], for sigmoid and other binary cross-entropies only: multiplies a pixel's term by
   * alpha·t + (1 - alpha)(1 - t), which leaves the minimum at p = t. By default the factor is 1.
   */
  alpha?: number;
}

const OWN_RULES = {
  gamma: { kind: 'number', default: 2, least: 0, ownMeaning: true },
  alpha: { kind: 'number', default: undefined, least: 0, most: 1, ownMeaning: true },
} satisfies OptionRules<Pick<FocalLossOptions, 'gamma' | 'alpha'>>;

export const FOCAL_RULES: OptionRules<FocalLossOptions> = /* @__PURE__ */ joinRules(PER_PIXEL_RULES, OWN_RULES);

export function resolveFocal(options: FocalLossOptions, reading: PredictionSpec): PerPixel {
  const { classWeights, classes, hardest, reduction } = options;
  const loss = resolvePerPixel('byActivation', { classWeights, classes, hardest, reduction }, reading);
  const { gamma, alpha }: { gamma: number; alpha?: number } = completeOptions(OWN_RULES, options);
  if (alpha !== undefined && loss.entropy.kind !== 'binary') {
    fail('alpha goes with sigmoid only; classWeights is for softmax');
  }
  const plain = gamma === 0 && alpha === undefined;
  return { ...loss, entropy: { ...loss.entropy, focal: plain ? null : { gamma, alpha: alpha ?? null } } };
}
