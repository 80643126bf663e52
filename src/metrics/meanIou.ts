import { iouFormula } from './iouScore.js';
import { MeanScore, type MeanScoreOptions } from './meanScore.js';

/**
 * The mean IoU of a data set, batch by batch, in one of the three forms of Wang et al.: `aggregate: 'dataset'` (D, the
 * mean IoU of benchmarks), `'image'` (I) or `'class'` (C).
 *
 * - D: the IoU of each class from its sums over all samples; then the mean over the classes that are labelled or
 *   predicted anywhere.
 * - I: for each sample the mean over the classes labelled in it; then the mean over samples.
 * - C: for each class the mean over the samples in which it is labelled; then the mean over classes.
 *
 * The option `absent` changes which classes count. Classes that may overlap (C = 1, or sigmoid) always count by
 * default, and score 1 where they are neither labelled nor predicted. If there are two classes that exclude each other,
 * Wang et al. score only the second: `classes: [1], absent: 'count'`. `classWeights` weights the means over classes.
 *
 * Every accumulator has the methods `update`, `updateAsync`, `merge`, `reset`, `toJSON` and `fromJSON`. On a GPU in a
 * browser use `await scores.updateAsync(labels, logits)`, which does not make the page wait. The backend computes the
 * sums of each sample; they are then added up without rounding. The result is therefore the same, bit for bit, whatever
 * the order of the samples and however many accumulators they were split among.
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
