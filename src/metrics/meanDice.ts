import { diceFormula } from './diceScore.js';
import { MeanScore, type MeanScoreOptions } from './meanScore.js';

/**
 * The mean Dice coefficient of a data set, batch by batch: the same as `MeanIou`, with `diceScore` as the score.
 *
 * @throws if an option does not fit
 *
 * @example
 * ```ts
 * const scores = new MeanDice({ hard: true, aggregate: 'image' });
 * scores.update(tf.tensor([[0, 1, 1, 1]], [1, 4], 'int32'), tf.tensor([[[2, 0], [1, 0], [0, 2], [0, 3]]]));
 * scores.result(); // 0.7333
 * ```
 *
 * @see Wang et al., arXiv 2310.19252
 */
export class MeanDice extends MeanScore {
  constructor(options: MeanScoreOptions = {}) {
    super('MeanDice', diceFormula, options);
  }
}
