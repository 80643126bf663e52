import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { InputOptions } from '../../overlap/options.js';
import { FLAG, joinRules, OTHER, type ChoiceRule, type OptionRules } from '../descriptions/optionRules.js';

/** How per-sample and per-class values, or per-pixel values, become the result. */
export type Reduction = 'mean' | 'sum' | 'none' | 'sample';

/** What a region loss gives with reduction R. */
export type RegionResult<R extends Reduction> = R extends 'none' ? Tensor2D : R extends 'sample' ? Tensor1D : Scalar;

/** What a per-pixel loss gives with reduction R. */
export type PerPixelResult<R extends Reduction> = R extends 'none' ? Tensor : R extends 'sample' ? Tensor1D : Scalar;

export const REDUCTIONS: readonly Reduction[] = ['mean', 'sum', 'none', 'sample'];

/** Checked by `resolveInputs`. */
export const INPUT_RULES: OptionRules<InputOptions> = {
  activation: OTHER,
  sharpness: { kind: 'number', default: 1, least: 0, open: true },
  axis: OTHER,
  mask: OTHER,
  ignoreLabel: OTHER,
};

/** Which classes count, and how much. */
export interface ClassOptions {
  /**
   * One weight >= 0 per class. Region losses: a weighted mean over classes, divided by the sum of the weights.
   * Cross-entropies: each class's term is multiplied and nothing is renormalized (as PyTorch does for soft targets).
   */
  classWeights?: readonly number[];
  /** `'all'` (default), or the indices of the classes that take part, say `[1, 2]` to leave out the background. */
  classes?: 'all' | readonly number[];
}

export const CLASS_OPTIONS = ['classWeights', 'classes'] as const;

/** Checked by `resolveClasses`. */
const CLASS_RULES: OptionRules<ClassOptions> = { classWeights: OTHER, classes: OTHER };

export const REDUCTION_RULE: ChoiceRule = { kind: 'choice', default: 'mean', values: REDUCTIONS };

/** The rules of options that every loss has. */
export const COMMON_RULES = /* @__PURE__ */ joinRules(INPUT_RULES, CLASS_RULES);

/** The options of every region loss. */
export interface RegionOptions<R extends Reduction = Reduction> extends InputOptions, ClassOptions {
  /**
   * What a class contributes that has no label in the sample: `'skip'` (default with C > 1, but for sigmoid): nothing,
   * and it is left out of the mean; `'penalize'` (default otherwise): the mean of its predicted probability;
   * `'smooth'`: what the formula gives.
   */
  absent?: 'skip' | 'penalize' | 'smooth';
  /** Sums over each `'image'` (default), or over the whole `'batch'`. */
  aggregate?: 'image' | 'batch';
  /**
   * The intersection: `'metric'` (default), Σ min(p, t), for which the loss is 0 exactly at p = t on soft
   * labels too; `'product'`, Σ p t, the classic form. On hard labels they are the same.
   */
  overlap?: 'metric' | 'product';
  /** Added to numerator and denominator, >= 0. Default 0: the division is guarded, empty against empty is a loss of 0. */
  smooth?: number;
  /** `'mean'` (default) or `'sum'`: a scalar; `'none'`: `[N, C]`; `'sample'`: `[N]`. */
  reduction?: R;
}

export const ABSENT_RULE: ChoiceRule = { kind: 'choice', default: undefined, values: ['skip', 'penalize', 'smooth'] };
export const AGGREGATE_RULE: ChoiceRule = { kind: 'choice', default: 'image', values: ['image', 'batch'] };

export const REGION_RULES: OptionRules<RegionOptions> = /* @__PURE__ */ joinRules(COMMON_RULES, {
  absent: ABSENT_RULE,
  aggregate: AGGREGATE_RULE,
  overlap: { kind: 'choice', default: 'metric', values: ['metric', 'product'] },
  smooth: { kind: 'number', default: 0, least: 0 },
  reduction: REDUCTION_RULE,
});

/** The options of every per-pixel loss. */
export interface PerPixelOptions<R extends Reduction = Reduction> extends InputOptions, ClassOptions {
  /**
   * A fraction in (0, 1]: only the pixels with the largest values count, ceil(hardest·count) of those of each sample
   * that count at all, at least one, as if a mask left out the others. Which ones of equal value is arbitrary.
   * Default 1.
   */
  hardest?: number;
  /** `'mean'` (default, over the pixels that count) or `'sum'`: a scalar; `'none'`: one value per pixel; `'sample'`: `[N]`. */
  reduction?: R;
}

export const PER_PIXEL_RULES: OptionRules<PerPixelOptions> = /* @__PURE__ */ joinRules(COMMON_RULES, {
  hardest: { kind: 'number', default: 1, least: 0, most: 1, open: true },
  reduction: REDUCTION_RULE,
});

/** The options of the cross-entropies. */
export interface CrossEntropyOptions<R extends Reduction = Reduction> extends PerPixelOptions<R> {
  /** e in [0, 1]: labels become t(1 - e) + e/K, with K = C classes, or K = 2 for binary cross-entropy. Default 0. */
  labelSmoothing?: number;
  /** Subtract the value at p = t, which makes it the Kullback-Leibler divergence with minimum 0. Default false. */
  subtractEntropy?: boolean;
}

export const CROSS_ENTROPY_RULES: OptionRules<CrossEntropyOptions> = /* @__PURE__ */ joinRules(PER_PIXEL_RULES, {
  labelSmoothing: { kind: 'number', default: 0, least: 0, most: 1 },
  subtractEntropy: FLAG,
});
