import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import type { RegionScoreOptions, ScoreOptions, ScoreReduction } from './options.js';
import { regionScore, type ScoreFormula, type ScoreResult } from './regionScore.js';

export type IouScoreOptions<R extends ScoreReduction = ScoreReduction> = ScoreOptions<R>;

export const iouFormula: ScoreFormula<RegionScoreOptions> = {
  options: [],
  check() {},
  numerator: (_, { intersection }) => intersection,
  denominator: (a, { intersection, predicted, labelled }) => a.sub(a.add(predicted, labelled), intersection),
};

/**
 * IoU (Jaccard index) per sample and class: I/(P + T - I), with P = Σ w p, T = Σ w t, and I = Σ w min(p, t)
 * (`overlap: 'metric'`) or Σ w p t (`'product'`).
 *
 * With `overlap: 'metric'` (the metric form) it is 1 exactly at p = t, on soft labels too, and equals 1 - `iouLoss` if
 * no class is absent. With `hard: true` each pixel is first given to a class. A class that is neither labelled nor
 * predicted has the value 1; the option `absent` says which classes take part in the mean.
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
 * iouScore(labels, logits, { hard: true }); // 0.5833
 * iouScore(tf.softmax(logits), logits); // 1
 * ```
 *
 * @see Wang et al., Jaccard metric losses, NeurIPS 2023, arXiv 2302.05666; fine-grained mean IoU: arXiv 2310.19252
 */
export function iouScore<R extends ScoreReduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: IouScoreOptions<R> = {},
): ScoreResult<R> {
  return inFunction('iouScore', () => regionScore(iouFormula, labels, predictions, options) as ScoreResult<R>);
}
