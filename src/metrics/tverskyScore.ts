import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkNumber } from '../checks.js';
import type { RegionScoreOptions, ScoreOptions, ScoreReduction } from './options.js';
import { regionScore, type ScoreFormula, type ScoreResult } from './regionScore.js';

/** The weights of false positives and false negatives. */
export interface TverskyWeights {
  /** Weight of the false positives, >= 0. Default 0.5. */
  alpha?: number;
  /** Weight of the false negatives, >= 0. Default 0.5. */
  beta?: number;
}

export interface TverskyScoreOptions<R extends ScoreReduction = ScoreReduction>
  extends ScoreOptions<R>, TverskyWeights {}

export const tverskyFormula: ScoreFormula<RegionScoreOptions & TverskyWeights> = {
  options: ['alpha', 'beta'],
  unbounded: true,
  check({ alpha = 0.5, beta = 0.5 }) {
    checkNumber('alpha', alpha, { least: 0 });
    checkNumber('beta', beta, { least: 0 });
  },
  numerator: (_, { intersection }) => intersection,
  denominator(a, { intersection, predicted, labelled }, { alpha = 0.5, beta = 0.5 }) {
    const falsePositives = a.mul(a.sub(predicted, intersection), alpha);
    const falseNegatives = a.mul(a.sub(labelled, intersection), beta);
    return a.add(intersection, a.add(falsePositives, falseNegatives));
  },
};

/**
 * Tversky index per sample and class: I/(I + alpha·FP + beta·FN), with FP = P - I, FN = T - I, P = Σ w p, T = Σ w t,
 * and I = Σ w min(p, t) (`overlap: 'metric'`) or Σ w p t (`'product'`).
 *
 * alpha = beta = 0.5 is Dice, alpha = beta = 1 is IoU; alpha = 1, beta = 0 is precision, alpha = 0, beta = 1 is recall.
 * With `overlap: 'metric'` (the metric form) it is 1 at p = t, on soft labels too. With `hard: true` each pixel is
 * first given to a class. A class that is neither labelled nor predicted has the value 1; the option `absent` says
 * which classes take part in the mean.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar, 1 if no class of any sample counts; `[N]` with reduction `'sample'`; `[N, C]` with `'none'`.
 * Values lie in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 1, 1, 1]], [1, 4], 'int32'); // class indices of four pixels
 * const logits = tf.tensor([[[2, 0], [1, 0], [0, 2], [0, 3]]]); // shape [1, 4, 2]: the second pixel is wrong
 * tverskyScore(labels, logits, { hard: true, alpha: 0.3, beta: 0.7, reduction: 'none' }); // [[0.769, 0.741]]
 * ```
 *
 * @see Salehi et al., Tversky loss function, MLMI 2017, arXiv 1706.05721
 */
export function tverskyScore<R extends ScoreReduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: TverskyScoreOptions<R> = {},
): ScoreResult<R> {
  return inFunction('tverskyScore', () => regionScore(tverskyFormula, labels, predictions, options) as ScoreResult<R>);
}
