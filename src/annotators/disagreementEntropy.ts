import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkAxis,
  checkBoolean,
  checkDtype,
  checkHoldsValues,
  checkNumber,
  checkOptionNames,
  checkTensor,
  fail,
  show,
  type Axis,
} from '../checks.js';
import { checkTensorValues, namesOfOptions, type Values } from '../checkValues.js';
import { constant } from '../ops/constant.js';
import { withGradient } from '../ops/withGradient.js';

export interface DisagreementEntropyOptions {
  /** The class axis. Default -1. */
  axis?: number;
  /** Take every value as the label of a yes-or-no question of its own, and keep the shape. Default false. */
  binary?: boolean;
  /**
   * Divide by the largest possible value, log C (log 2 if binary), so that values lie in [0, 1]. Default false: nats.
   */
  normalize?: boolean;
  /**
   * A value outside [0, 1] that marks unlabelled pixels, whose entropy is 0. Default -1, which is also the default of
   * `missing` in softLabelsFromVotes, softLabelsFromMasks and staple.
   */
  ignoreLabel?: number;
}

/**
 * How much annotators disagree about each pixel: the entropy of its soft label, -Σ_c t_c log t_c over the class axis,
 * with 0 log 0 = 0. An axis of one class, or `binary: true`, gives -t log t - (1 - t) log(1 - t).
 *
 * It is 0 where all annotators agree, and log C where they are split evenly. It can be differentiated, also with
 * respect to predicted probabilities; the slope at 0, which would be infinite, is taken to be that at 1e-12, 26.6. The
 * result is NaN where a label is NaN, or lies outside [0, 1] by more than 1e-3.
 *
 * @param labels float in [0, 1], with sum 1 over the class axis unless it has one class: soft labels with a class axis,
 * or any shape with `binary: true`. Convert votes with softLabelsFromVotes first
 * @returns entropies >= 0, the shape without the class axis; the shape of the labels with `binary: true`
 * @throws if labels are not float32, or options do not fit
 *
 * @example
 * ```ts
 * const labels = softLabelsFromVotes(tf.tensor([[5, 0], [4, 1], [3, 3]])); // two classes, three pixels
 * disagreementEntropy(labels); // [0, 0.5004, 0.6931]
 * disagreementEntropy(labels, { normalize: true }); // [0, 0.7219, 1]
 * const masks = tf.tensor([[1, 1, 0], [1, 0, 0]]);
 * disagreementEntropy(softLabelsFromMasks(masks), { binary: true }); // [0, 0.6931, 0]
 * ```
 */
export function disagreementEntropy(labels: Tensor, options: DisagreementEntropyOptions = {}): Tensor {
  return inFunction('disagreementEntropy', () => {
    checkTensor('labels', labels);
    checkHoldsValues('labels', labels);
    checkDtype('labels', labels, ['float32']);
    checkOptionNames(options, ['axis', 'binary', 'normalize', 'ignoreLabel']);
    const { binary = false, normalize = false, ignoreLabel = -1 } = options;
    checkBoolean('binary', binary);
    checkBoolean('normalize', normalize);
    checkIgnoreLabel(ignoreLabel);
    if (binary && options.axis !== undefined) {
      fail(`axis has no meaning with binary: true, got ${show(options.axis)}`);
    }
    const axis = binary ? null : checkAxis(options.axis ?? -1, labels.shape);
    const classes = axis === null ? 1 : labels.shape[axis]!;
    checkTensorValues(`${labels.rank} ${classes} ${namesOfOptions(options)}`, { labels }, (values) =>
      checkLabels(values.labels, labels, axis, ignoreLabel),
    );
    return tf.tidy(() => {
      const labelled = whereLabelled(labels, axis, ignoreLabel);
      const t = tf.where(labelled, orNaN(labels), tf.zerosLike(labels));
      const terms = classes === 1 ? tf.add(entropyOf(t), entropyOf(tf.sub(1, t))) : entropyOf(t);
      const entropy = axis === null ? terms : tf.sum(terms, axis);
      return normalize ? tf.mul(entropy, 1 / Math.log(Math.max(classes, 2))) : entropy;
    });
  });
}

function checkIgnoreLabel(ignoreLabel: number): void {
  checkNumber('ignoreLabel', ignoreLabel);
  if (ignoreLabel >= 0 && ignoreLabel <= 1) fail(`ignoreLabel must lie outside [0, 1], got ${ignoreLabel}`);
}

/** True, in the shape of the labels, for pixels that do not have `ignoreLabel` in any channel. */
function whereLabelled(labels: Tensor, axis: Axis | null, ignoreLabel: number): Tensor {
  return constant(() => {
    const differs = tf.notEqual(labels, ignoreLabel);
    if (axis === null) return differs;
    return tf.logicalAnd(tf.all(differs, axis, true), tf.onesLike(differs));
  });
}

/** The distance by which a label may lie outside [0, 1] because of rounding. */
const TOLERANCE = 1e-3;

/** The labels, with NaN in place of those outside [0, 1]. */
function orNaN(labels: Tensor): Tensor {
  const isProbability = constant(() =>
    tf.logicalAnd(tf.greaterEqual(labels, -TOLERANCE), tf.lessEqual(labels, 1 + TOLERANCE)),
  );
  return tf.where(isProbability, labels, tf.fill(labels.shape, NaN));
}

/** -t log t, with the slope below 1e-12 replaced by that at 1e-12. */
function entropyOf(labels: Tensor): Tensor {
  const logOf = (t: Tensor) => tf.log(tf.maximum(t, 1e-12));
  return withGradient(
    labels,
    (t) => ({ value: tf.neg(tf.mul(t, logOf(t))), saved: [t] }),
    (dy, [t]) => tf.neg(tf.mul(dy, tf.add(logOf(t), 1))),
  );
}

function checkLabels(values: Values, { shape }: Tensor, axis: Axis | null, ignoreLabel: number): void {
  const ignored = Math.fround(ignoreLabel);
  const bad = values.find((t) => t !== ignored && !(t >= 0 && t <= 1));
  if (bad !== undefined) fail(`labels must lie in [0, 1], got ${bad}`);
  if (axis === null || shape[axis] === 1) return;
  const classes = shape[axis]!;
  const stride = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  for (let block = 0; block < values.length; block += classes * stride) {
    for (let first = block; first < block + stride; first++) {
      let sum = 0;
      let labelled = true;
      for (let place = first; place < first + classes * stride; place += stride) {
        sum += values[place]!;
        if (values[place] === ignored) labelled = false;
      }
      if (labelled && !(Math.abs(sum - 1) <= 1e-3)) {
        fail(`labels must sum to 1 over the class axis, got ${Number(sum.toPrecision(6))}`);
      }
    }
  }
}
