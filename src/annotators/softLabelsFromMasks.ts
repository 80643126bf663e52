import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkAbsentLabel,
  checkAxis,
  checkCount,
  checkDtype,
  checkHoldsValues,
  checkNumber,
  checkOptionNames,
  checkTensor,
  fail,
  show,
} from '../checks.js';
import { oneHot } from '../ops/oneHot.js';
import { shareOfVotes } from './shareOfVotes.js';

export interface SoftLabelsFromMasksOptions {
  /** The number of classes C, if the masks are int32 class maps; a class axis of C is appended. */
  classes?: number;
  /** The axis along which the annotators are stacked. Default 0. */
  annotatorAxis?: number;
  /**
   * The value that marks pixels at which an annotator did not look, say -1 or 255. It counts neither as a vote nor in
   * the total.
   */
  absentLabel?: number;
  /** Laplace smoothing e >= 0: (votes + e)/(total + K e), with K = C for class maps and K = 2 for masks. Default 0. */
  smoothing?: number;
  /** The label where no annotator looked, if smoothing is 0; pass it to a loss as `ignoreLabel`. Default -1. */
  missing?: number;
}

/**
 * Soft labels from the masks of several annotators: the share of the annotators who marked each pixel.
 *
 * @param masks stacked 0/1 masks, `[A, ...]`, or with `classes` stacked int32 class maps
 * @returns labels in [0, 1]: the shape without the annotators' axis, with a class axis of C appended for class maps
 * @throws if class maps are not int32, or options do not fit
 *
 * @example
 * ```ts
 * const masks = tf.tensor([[1, 1, 0], [1, 0, 0], [1, -1, 0]]); // three annotators; the last missed a pixel
 * softLabelsFromMasks(masks, { absentLabel: -1 }); // [1, 0.5, 0]
 * const maps = tf.tensor([[0, 2], [1, 2]], [2, 2], 'int32');
 * softLabelsFromMasks(maps, { classes: 3 }); // [[0.5, 0.5, 0], [0, 0, 1]]
 * ```
 */
export function softLabelsFromMasks(masks: Tensor, options: SoftLabelsFromMasksOptions = {}): Tensor {
  return inFunction('softLabelsFromMasks', () => {
    checkTensor('masks', masks);
    checkHoldsValues('masks', masks);
    checkDtype('masks', masks, ['bool', 'int32', 'float32']);
    checkOptionNames(options, ['classes', 'annotatorAxis', 'absentLabel', 'smoothing', 'missing']);
    const { classes, absentLabel, smoothing = 0, missing = -1 } = options;
    if (classes !== undefined) checkCount('classes', classes, 2);
    if (classes !== undefined && masks.dtype !== 'int32') fail(`class maps must be int32, got ${show(masks)}`);
    if (absentLabel !== undefined) checkAbsentLabel(absentLabel, masks);
    checkNumber('smoothing', smoothing, { least: 0 });
    checkNumber('missing', missing);
    const axis = checkAxis(options.annotatorAxis ?? 0, masks.shape, 'annotatorAxis');
    return tf.tidy(() => {
      const values = tf.cast(masks, 'float32');
      const looked =
        absentLabel === undefined ? tf.onesLike(values) : tf.cast(tf.notEqual(values, absentLabel), 'float32');
      const total = tf.sum(looked, axis);
      if (classes === undefined) {
        return shareOfVotes(tf.sum(tf.mul(values, looked), axis), total, { outcomes: 2, smoothing, missing });
      }
      const votes = tf.mul(oneHot(masks, classes), tf.expandDims(looked, -1));
      const perClass = tf.sum(votes, axis);
      return shareOfVotes(perClass, tf.expandDims(total, -1), { outcomes: classes, smoothing, missing });
    });
  });
}
