import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { InputOptions } from '../../overlap/options.js';
import { FLAG, joinRules, OTHER, type ChoiceRule, type OptionRules } from '../descriptions/optionRules.js';

/** How the values per sample and class, or per pixel, are reduced to the result. */
export type Reduction = 'mean' | 'sum' | 'none' | 'sample';

/** The result of a region loss with reduction R. */
export type RegionResult<R extends Reduction> = R extends 'none' ? Tensor2D : R extends 'sample' ? Tensor1D : Scalar;

/** The result of a per-pixel loss with reduction R. */
export type PerPixelResult<R extends Reduction> = R extends 'none' ? Tensor : R extends 'sample' ? Tensor1D : Scalar;

export const REDUCTIONS: readonly Reduction[] = ['mean', 'sum', 'none', 'sample'];

/** The rules of `InputOptions`. Options of kind `'other'` are checked by `resolveInputs`. */
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
   * One weight >= 0 per class. Region losses take the weighted mean over classes, divided by the sum of the weights.
   * Cross-entropies multiply each class's term by its weight and do not renormalize (as PyTorch does for soft targets).
   */
  classWeights?: readonly number[];
  /** `'all'` (default), or the indices of the classes that take part, say `[1, 2]` to leave out the background. */
  classes?: 'all' | readonly number[];
}

export const CLASS_OPTIONS = ['classWeights', 'classes'] as const;

/** The rules of `ClassOptions`, which are checked by `resolveClasses`. */
const CLASS_RULES: OptionRules<ClassOptions> = { classWeights: OTHER, classes: OTHER };

export const REDUCTION_RULE: ChoiceRule = { kind: 'choice', default: 'mean', values: REDUCTIONS };

/** The rules of the options that nearly every loss has. */
export const COMMON_RULES = /* @__PURE__ */ joinRules(INPUT_RULES, CLASS_RULES);

/**
 * The options of every region loss: a loss that is a formula on sums over the pixels of a class, such as Dice and IoU.
 */
export interface RegionOptions<R extends Reduction = Reduction> extends InputOptions, ClassOptions {
  /**
   * How an absent class (one without a label in the sample) contributes: `'skip'` leaves it out of the mean;
   * `'penalize'` takes its mean predicted probability; `'smooth'` takes the value of the formula. Default: `'penalize'`
   * with C = 1 or under sigmoid, otherwise `'skip'`.
   */
  absent?: 'skip' | 'penalize' | 'smooth';
  /** Take the sums over each `'image'` (default), or over the whole `'batch'` as if it were one image (N becomes 1). */
  aggregate?: 'image' | 'batch';
  /**
   * The intersection I: `'metric'` (default) is Σ min(p, t), with which the loss is 0 exactly at p = t on soft labels
   * too (the metric form: 1 - IoU is then a metric); `'product'` is Σ p t, the classic form. On hard labels both are
   * the same.
   */
  overlap?: 'metric' | 'product';
  /**
   * Added to numerator and denominator, >= 0. Default 0, which is safe: where nothing is labelled and nothing
   * predicted, 0/0 counts as 1, a loss of 0.
   */
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

/** The options of every per-pixel loss: a loss that has a value for each pixel, such as cross-entropy. */
export interface PerPixelOptions<R extends Reduction = Reduction> extends InputOptions, ClassOptions {
  /**
   * A fraction in (0, 1]: of the V pixels of each sample that count, only the ceil(hardest·V) with the largest values
   * are used, at least one, as if a mask left out the others. Among equal values the choice is arbitrary. Default 1.
   */
  hardest?: number;
  /**
   * `'mean'` (default, over the pixels that count) or `'sum'`: a scalar; `'none'`: one value per pixel; `'sample'`:
   * `[N]`.
   */
  reduction?: R;
}

export const PER_PIXEL_RULES: OptionRules<PerPixelOptions> = /* @__PURE__ */ joinRules(COMMON_RULES, {
  hardest: { kind: 'number', default: 1, least: 0, most: 1, open: true },
  reduction: REDUCTION_RULE,
});

/** The options of the cross-entropies. */
export interface CrossEntropyOptions<R extends Reduction = Reduction> extends PerPixelOptions<R> {
  /** A share e in [0, 1]: labels become t(1 - e) + e/K, with K = C, or K = 2 for binary cross-entropy. Default 0. */
  labelSmoothing?: number;
  /** Subtract the value at p = t, which gives the Kullback-Leibler divergence with minimum 0. Default false. */
  subtractEntropy?: boolean;
}

export const CROSS_ENTROPY_RULES: OptionRules<CrossEntropyOptions> = /* @__PURE__ */ joinRules(PER_PIXEL_RULES, {
  labelSmoothing: { kind: 'number', default: 0, least: 0, most: 1 },
  subtractEntropy: FLAG,
});
