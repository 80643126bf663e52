import { CLASS_OPTIONS, type ClassOptions } from '../losses/families/options.js';
import { INPUT_OPTIONS, type InputOptions } from '../overlap/options.js';

/** Options for hard scores, in which the probabilities of a pixel first become a class. */
export interface HardOptions {
  /**
   * `true`: each pixel is given to the class of the largest logit in the predictions, and to that of the largest label
   * in soft labels. Under sigmoid, or with one class, it is given to every class whose probability is above
   * `threshold`, or whose label is above 0.5. `'predictions'`: the same for predictions, but labels stay soft. Default
   * false: probabilities are scored as they are. No gradient flows through values made hard.
   */
  hard?: boolean | 'predictions';
  /**
   * With `hard`, for classes that may overlap: the probability, in (0, 1), above which a class is predicted. Default
   * 0.5. With activation `'none'` or a function, and several classes, a pixel is given to the class with the largest
   * value, unless `threshold` is set; then it is given to every class above it.
   */
  threshold?: number;
}

/**
 * How absent classes count. A class is absent if it has no label in the image (or in the batch, or in the data set,
 * according to `aggregate`). `'skip'`: it is left out of the mean. `'penalize'`: it is left out if it is not predicted
 * either, and scores 0 if it is predicted. `'count'`: it is never left out, and scores 1 if it is not predicted either.
 */
export type AbsentClass = 'skip' | 'penalize' | 'count';

/** The options that all region scores share, as functions and as accumulators. */
export interface RegionScoreOptions extends InputOptions, ClassOptions, HardOptions {
  /**
   * How absent classes count, see `AbsentClass`. Default, after Wang et al., arXiv 2310.19252: `'count'` for C = 1 and
   * under sigmoid; otherwise `'penalize'` with aggregate `'batch'` or `'dataset'`, and `'skip'` with the others.
   */
  absent?: AbsentClass;
  /**
   * The intersection I, as in the losses: `'metric'` (default), Σ w min(p, t), with which p = t scores 1 on soft labels
   * too; or `'product'`, Σ w p t.
   */
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
  /** Sums are taken over each `'image'` (default) or over the whole `'batch'`. */
  aggregate?: 'image' | 'batch';
  /**
   * `'mean'` (default): a scalar; `'sample'`: `[N]`; `'none'`: `[N, C]`, the values of all classes, including those
   * that `absent` would leave out.
   */
  reduction?: R;
}
