import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkAxis,
  checkBoolean,
  checkDtype,
  checkHoldsValues,
  checkAbsentLabel,
  checkOptionNames,
  checkTensor,
  fail,
} from '../checks.js';
import { checkTensorValues } from '../checkValues.js';
import { constant } from '../ops/constant.js';
import { ratio, ratioOr } from '../ops/ratio.js';
import { nanValues } from '../ops/nanRows.js';
import { sumPixels } from '../ops/sumPixels.js';

export interface AnnotatorWeightsFromMasksOptions {
  /** The axis along which the annotators are stacked. Default 0. */
  annotatorAxis?: number;
  /** The value that marks pixels at which an annotator did not look, say -1 or 255. */
  absentLabel?: number;
  /**
   * Divide by the mean over the pixels at which at least one annotator looked. Default true; false gives the counts
   * themselves.
   */
  normalize?: boolean;
}

export interface AnnotatorWeightsFromVotesOptions {
  /** The class axis of the votes. Default -1. */
  axis?: number;
  /** Divide by the mean over the pixels that have votes. Default true; false gives the counts themselves. */
  normalize?: boolean;
}

/**
 * Pixel weights from the number of annotators who looked at each pixel, for the `mask` of a loss: a label from five
 * people weighs more than a label from one. Pixels at which no annotator looked have weight 0. By default the mean
 * weight over the other pixels is 1, so that the loss keeps its scale.
 *
 * @param masks stacked masks or class maps, `[A, ...]`
 * @returns float32 weights >= 0, the shape without the annotators' axis. No gradient flows to the masks
 * @throws if options do not fit
 *
 * @example
 * ```ts
 * const masks = tf.tensor([[1, 1, 0, -1], [1, 0, 0, -1], [1, -1, 0, -1]]); // the last missed two pixels
 * annotatorWeightsFromMasks(masks, { absentLabel: -1 }); // [1.125, 0.75, 1.125, 0]
 * annotatorWeightsFromMasks(masks, { absentLabel: -1, normalize: false }); // [3, 2, 3, 0]
 * ```
 */
export function annotatorWeightsFromMasks(masks: Tensor, options: AnnotatorWeightsFromMasksOptions = {}): Tensor {
  return inFunction('annotatorWeightsFromMasks', () => {
    checkTensor('masks', masks);
    checkHoldsValues('masks', masks);
    checkDtype('masks', masks, ['bool', 'int32', 'float32']);
    checkOptionNames(options, ['annotatorAxis', 'absentLabel', 'normalize']);
    const { absentLabel, normalize = true } = options;
    if (absentLabel !== undefined) checkAbsentLabel(absentLabel, masks);
    checkBoolean('normalize', normalize);
    const axis = checkAxis(options.annotatorAxis ?? 0, masks.shape, 'annotatorAxis');
    return constant(() => {
      const values = tf.cast(masks, 'float32');
      const looked =
        absentLabel === undefined ? tf.onesLike(values) : tf.cast(tf.notEqual(values, absentLabel), 'float32');
      return asWeights(tf.sum(tf.add(looked, nanValues(values)), axis), normalize);
    });
  });
}

/**
 * Pixel weights from the number of annotators who voted on each pixel, for the `mask` of a loss: the sum of the votes
 * over the classes, divided by its mean over the pixels that have votes.
 *
 * @param votes counts >= 0 with a class axis, where each annotator has chosen one class
 * @returns float32 weights >= 0, the shape without the class axis. No gradient flows to the votes
 * @throws if options do not fit
 *
 * @example
 * ```ts
 * const votes = tf.tensor([[[4, 1], [0, 1], [0, 0]]]);
 * annotatorWeightsFromVotes(votes, { normalize: false }); // [[5, 1, 0]]
 * const mask = annotatorWeightsFromVotes(votes); // [[1.6667, 0.3333, 0]]
 * const loss = crossEntropyLoss(softLabelsFromVotes(votes, { missing: 0 }), tf.zeros([1, 3, 2]), { mask });
 * ```
 */
export function annotatorWeightsFromVotes(votes: Tensor, options: AnnotatorWeightsFromVotesOptions = {}): Tensor {
  return inFunction('annotatorWeightsFromVotes', () => {
    checkTensor('votes', votes);
    checkHoldsValues('votes', votes);
    checkDtype('votes', votes, ['bool', 'int32', 'float32']);
    checkOptionNames(options, ['axis', 'normalize']);
    const { normalize = true } = options;
    checkBoolean('normalize', normalize);
    const axis = checkAxis(options.axis ?? -1, votes.shape);
    checkTensorValues(`${votes.dtype} ${votes.rank}`, { votes }, (values) => {
      const bad = values.votes.find((count) => !(count >= 0));
      if (bad !== undefined) fail(`votes must be >= 0, got ${bad}`);
    });
    return constant(() => asWeights(tf.sum(tf.cast(votes, 'float32'), axis), normalize));
  });
}

/** The counts, or the counts divided by their mean. sumPixels keeps the sums exact on every backend. */
function asWeights(counts: Tensor, normalize: boolean): Tensor {
  if (!normalize) return counts;
  const total = (x: Tensor) => tf.reshape(sumPixels(tf.reshape(x, [1, x.size, 1])), []);
  const anybody = tf.step(counts);
  const mean = ratio(total(counts), tf.maximum(total(anybody), 1));
  return ratioOr(counts, mean, 0);
}
