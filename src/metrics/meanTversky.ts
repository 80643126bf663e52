import { MeanScore, type MeanScoreOptions } from './meanScore.js';
import { tverskyFormula, type TverskyWeights } from './tverskyScore.js';

export interface MeanTverskyOptions extends MeanScoreOptions, TverskyWeights {}

/**
 * The mean Tversky index of a data set, batch by batch: the same as `MeanIou`, with `tverskyScore` as the score.
 *
 * @throws if an option does not fit
 *
 * @example
 * ```ts
 * const scores = new MeanTversky({ hard: true, alpha: 0.3, beta: 0.7 });
 * scores.update(tf.tensor([[0, 1, 1, 1]], [1, 4], 'int32'), tf.tensor([[[2, 0], [1, 0], [0, 2], [0, 3]]]));
 * scores.result(); // 0.755
 * ```
 *
 * @see Salehi et al., arXiv 1706.05721; Wang et al., arXiv 2310.19252, for the forms of `aggregate`
 */
export class MeanTversky extends MeanScore<MeanTverskyOptions> {
  constructor(options: MeanTverskyOptions = {}) {
    super('MeanTversky', tverskyFormula, options);
  }
}
