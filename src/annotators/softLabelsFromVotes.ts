import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkAxis,
  checkDtype,
  checkHoldsValues,
  checkNumber,
  checkOptionNames,
  checkTensor,
  fail,
  show,
  showShape,
} from '../checks.js';
import { shareOfVotes } from './shareOfVotes.js';

export interface SoftLabelsFromVotesOptions {
  /**
   * The number of annotators: a number, or a tensor that broadcasts against the votes (say `[N, 1, 1, 1]`, one number
   * per image). Without it, the votes along the axis are for different classes, and their sum is the total.
   */
  annotators?: number | Tensor;
  /** The class axis, for votes without `annotators`. Default -1. */
  axis?: number;
  /** Laplace smoothing e >= 0: (votes + e)/(total + K e). Default 0. */
  smoothing?: number;
  /** The label where no annotator voted, if smoothing is 0; pass it to a loss as `ignoreLabel`. Default -1. */
  missing?: number;
}

/**
 * Soft labels from counts of votes: (votes + e)/(total + K e), with e = `smoothing`. Without smoothing that is
 * votes/total, so that 93 of 100 annotators give 0.93.
 *
 * Without `annotators`, each annotator chose one of K classes, and the total is the sum over the class axis, of size K.
 * With `annotators`, each entry is a yes-or-no question of its own, and K = 2.
 *
 * @param votes counts >= 0, any shape
 * @returns labels in [0, 1] of the same shape, `missing` where the total is 0
 * @throws if annotators or smoothing is negative, or the shapes do not fit
 *
 * @example
 * ```ts
 * softLabelsFromVotes(tf.tensor([[93, 7], [1, 1]])); // [[0.93, 0.07], [0.5, 0.5]]
 * softLabelsFromVotes(tf.tensor([[0, 2, 5]]), { annotators: 5 }); // [[0, 0.4, 1]]
 * ```
 */
export function softLabelsFromVotes(votes: Tensor, options: SoftLabelsFromVotesOptions = {}): Tensor {
  return inFunction('softLabelsFromVotes', () => {
    checkTensor('votes', votes);
    checkHoldsValues('votes', votes);
    checkDtype('votes', votes, ['bool', 'int32', 'float32']);
    checkOptionNames(options, ['annotators', 'axis', 'smoothing', 'missing']);
    const { annotators, smoothing = 0, missing = -1 } = options;
    checkNumber('smoothing', smoothing, { least: 0 });
    checkNumber('missing', missing);
    checkAnnotators(annotators, votes);
    const axis = checkAxis(options.axis ?? -1, votes.shape);
    return tf.tidy(() => {
      const counts = tf.cast(votes, 'float32');
      if (annotators === undefined) {
        return shareOfVotes(counts, tf.sum(counts, axis, true), { outcomes: votes.shape[axis]!, smoothing, missing });
      }
      const total = typeof annotators === 'number' ? tf.scalar(annotators) : tf.cast(annotators, 'float32');
      return shareOfVotes(counts, total, { outcomes: 2, smoothing, missing });
    });
  });
}

function checkAnnotators(annotators: unknown, votes: Tensor): void {
  if (annotators === undefined) return;
  if (typeof annotators === 'number') return checkNumber('annotators', annotators, { least: 0 });
  checkTensor('annotators', annotators);
  checkDtype('annotators', annotators, ['bool', 'int32', 'float32']);
  const offset = votes.rank - annotators.rank;
  const broadcasts = offset >= 0 && annotators.shape.every((size, i) => size === 1 || size === votes.shape[i + offset]);
  if (!broadcasts) {
    fail(`annotators must broadcast against votes ${showShape(votes.shape)}, got ${show(annotators)}`);
  }
}
