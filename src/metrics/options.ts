import { CLASS_OPTIONS, type ClassOptions } from '../losses/families/options.js';
import { INPUT_OPTIONS, type InputOptions } from '../overlap/options.js';

/** How a pixel's probabilities become classes, for scores of hard predictions. */
export interface HardOptions {
  /**
   * `true`: each pixel is given to its class, in the predictions (the largest logit; under sigmoid, or with one class,
   * all above `threshold`) and in soft labels (the largest; those above 0.5). `'predictions'`: labels stay soft. Default
   * false: probabilities are scored as they are. What is hard has no gradient.
   */
  hard?: boolean | 'predictions';
  /**
   * With `hard`, where classes are not exclusive: the probability, in (0, 1), above which a class is predicted. Default
   * 0.5. (With activation `'none'` or a function it replaces the largest.)
   */
  threshold?: number;
}

/**
 * A class that is not labelled: `'skip'`: it is left out of the mean; `'penalize'`: only where it is not predicted
 * either, else it scores what the formula gives (0 but for Tversky's weights); `'count'`: it always scores, 1 where it is
 * not predicted either.
 */
export type AbsentClass = 'skip' | 'penalize' | 'count';

/** The options that all region scores share, as functions and as accumulators. */
export interface RegionScoreOptions extends InputOptions, ClassOptions, HardOptions {
  /** See `AbsentClass`; the default is that of Wang et al., arXiv 2310.19252. */
  absent?: AbsentClass;
  /** The intersection, as in the losses: `'metric'` (default), for which p = t scores 1 on soft labels too; `'product'`. */
  overlap?: 'metric' | 'product';
}

export const REGION_SCORE_OPTIONS = [
  ...INPUT_OPTIONS,
  ...CLASS_OPTIONS,
  'hard',
  'threshold',
  'absent',
  'overlap',
] as const;

/** How the values per sample and class become the result. */
export type ScoreReduction = 'mean' | 'sample' | 'none';

export interface ScoreOptions<R extends ScoreReduction = ScoreReduction> extends RegionScoreOptions {
  /** Sums over each `'image'` (default), or over the whole `'batch'`. */
  aggregate?: 'image' | 'batch';
  /** `'mean'` (default): a scalar; `'sample'`: `[N]`; `'none'`: `[N, C]`, every value, whatever `absent` leaves out. */
  reduction?: R;
}
