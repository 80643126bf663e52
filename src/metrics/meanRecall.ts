import { MeanScore, type MeanScoreOptions } from './meanScore.js';
import { recallFormula } from './recallScore.js';

/**
 * The mean recall of a data set, batch by batch: the same as `MeanIou`, with `recallScore` as the score.
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
 * @see Wang et al., arXiv 2310.19252, for the forms of `aggregate`
 */
export class MeanRecall extends MeanScore {
  constructor(options: MeanScoreOptions = {}) {
    super('MeanRecall', recallFormula, options);
  }
}
