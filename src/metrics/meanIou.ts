import { iouFormula } from './iouScore.js';
import { MeanScore, type MeanScoreOptions } from './meanScore.js';

/**
 * The mean IoU of a data set, batch by batch, in the three forms of Wang et al.: `aggregate: 'dataset'` (D, the mean IoU of
 * benchmarks), `'image'` (I) or `'class'` (C).
 *
 * - D: per class the IoU of the sums over all samples; the mean over the classes that are labelled or predicted anywhere.
 * - I: per sample the mean over the classes labelled in it; the mean over samples.
 * - C: per class the mean over the samples in which it is labelled; the mean over classes.
 *
 * `absent` changes which classes count; one class of its own (C = 1, or sigmoid) always does, and scores 1 where it is
 * neither labelled nor predicted. (Where two classes exclude each other Wang et al. score the second alone:
 * `classes: [1], absent: 'count'`.) `classWeights` weighs the means over classes.
 *
 * `update`, `updateAsync`, `merge`, `toJSON`, `MeanIou.fromJSON` and `reset` are those of every accumulator. The sums of a
 * sample come from the backend; they are added up without rounding, so the result is the same, bit for bit, in whatever
 * order samples come and however many accumulators saw them.
 *
 * @throws if an option does not fit
 *
 * @example
 * ```ts
 * const scores = new MeanIou({ hard: true });
 * scores.update(tf.tensor([[0, 1, 1, 1]], [1, 4], 'int32'), tf.tensor([[[2, 0], [1, 0], [0, 2], [0, 3]]]));
 * scores.update(tf.tensor([[0, 0, 0, 0]], [1, 4], 'int32'), tf.tensor([[[2, 0], [1, 0], [2, 0], [0, 3]]]));
 * scores.result(); // 0.5833
 * scores.perClass(); // [0.6667, 0.5]
 * const other = MeanIou.fromJSON(JSON.parse(JSON.stringify(scores)));
 * other.merge(scores).samples; // 4
 * ```
 *
 * @see Wang et al., Revisiting evaluation metrics for semantic segmentation, NeurIPS 2023, arXiv 2310.19252
 */
export class MeanIou extends MeanScore {
  constructor(options: MeanScoreOptions = {}) {
    super('MeanIou', iouFormula, options);
  }
}
