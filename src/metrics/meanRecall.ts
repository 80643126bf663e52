import { MeanScore, type MeanScoreOptions } from './meanScore.js';
import { recallFormula } from './recallScore.js';

/**
 * The mean recall of a data set, batch by batch: `MeanIou` with `recallScore` for the score.
 *
 * @throws if an option does not fit
 *
 * @example
 * ```ts
 * const scores = new MeanRecall({ hard: true, aggregate: 'image' });
 * scores.update(tf.tensor([[0, 1, 1, 1]], [1, 4], 'int32'), tf.tensor([[[2, 0], [1, 0], [0, 2], [0, 3]]]));
 * scores.result(); // 0.8333
 * ```
 *
 * @see the forms: Wang et al., arXiv 2310.19252
 */
export class MeanRecall extends MeanScore {
  constructor(options: MeanScoreOptions = {}) {
    super('MeanRecall', recallFormula, options);
  }
}
