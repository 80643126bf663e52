import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import type { RegionScoreOptions, ScoreOptions, ScoreReduction } from './options.js';
import { regionScore, type ScoreFormula, type ScoreResult } from './regionScore.js';

export type DiceScoreOptions<R extends ScoreReduction = ScoreReduction> = ScoreOptions<R>;

export const diceFormula: ScoreFormula<RegionScoreOptions> = {
  options: [],
  check() {},
  numerator: (a, { intersection }) => a.mul(intersection, 2),
  denominator: (a, { predicted, labelled }) => a.add(predicted, labelled),
};

/**
 * Dice coefficient (F1) per sample and class: 2I/(P + T), with P = Σ w p, T = Σ w t, and I = Σ w min(p, t)
 * (`overlap: 'metric'`) or Σ w p t (`'product'`).
 *
 * With `overlap: 'metric'` (the metric form) it is 1 exactly at p = t, on soft labels too, and equals 1 - `diceLoss` if
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
 * diceScore(labels, logits, { hard: true }); // 0.7333
 * diceScore(tf.softmax(logits), logits); // 1
 * ```
 *
 * @see Wang et al., Dice semimetric losses, MICCAI 2023, arXiv 2303.16296
 */
export function diceScore<R extends ScoreReduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: DiceScoreOptions<R> = {},
): ScoreResult<R> {
  return inFunction('diceScore', () => regionScore(diceFormula, labels, predictions, options) as ScoreResult<R>);
}
