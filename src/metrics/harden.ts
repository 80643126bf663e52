/**
 * From probabilities to classes: the option `hard`, computed in tfjs ops without a gradient. Call these functions
 * inside tf.tidy.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { checkOneOf, fail, show } from '../checks.js';
import { constant } from '../ops/constant.js';
import type { PassActivation } from '../kernels/contract.js';
import { layoutOfPixels, toLabelPixels, toPixels } from '../kernels/layout.js';
import { nanRows } from '../ops/nanRows.js';
import { oneHot } from '../ops/oneHot.js';
import type { LossInputs } from '../overlap/inputs.js';
import type { HardOptions } from './options.js';

/** Checks that need no tensor. */
export function checkHard({ hard = false, threshold }: HardOptions): void {
  if (typeof hard !== 'boolean') checkOneOf('hard', hard, ['predictions']);
  if (threshold === undefined) return;
  if (hard === false) fail(`threshold goes with hard: true, got ${show(threshold)} without`);
  checkThreshold(threshold);
}

export function checkThreshold(threshold: unknown): void {
  const ok = typeof threshold === 'number' && threshold > 0 && threshold < 1;
  if (!ok) fail(`threshold must be a number in (0, 1), got ${show(threshold)}`);
}

/** Replaces predictions by ones and zeros, and labels too, unless they are to stay soft. */
export function hardInputs(inputs: LossInputs, { hard = false, threshold }: HardOptions): LossInputs {
  if (hard === false) return inputs;
  const { layout, labelKind } = inputs;
  const largest = takesLargest(inputs, threshold);
  const labels = toLabelPixels(inputs.labels, labelKind, layout);
  return {
    ...inputs,
    predictions: largest ? largestOf(toPixels(inputs.predictions, layout)) : above(inputs, threshold ?? 0.5),
    labels: hard === true && labelKind === 'soft' ? hardLabels(labels as Tensor3D, largest) : labels,
    activation: 'none',
    sharpness: 1,
    layout: layoutOfPixels(layout),
  };
}

/**
 * True if each pixel is given to exactly one class, that of the largest value; false if classes have a threshold each.
 */
export function takesLargest(
  { activation, layout: { classes } }: { activation: PassActivation; layout: { classes: number } },
  threshold: number | undefined,
): boolean {
  const exclusive = classes > 1 && activation !== 'sigmoid';
  if (threshold !== undefined && activation === 'softmax') {
    fail(`threshold is for classes that may overlap; under softmax the largest is taken, got ${threshold}`);
  }
  return exclusive && threshold === undefined;
}

/**
 * One-hot of the largest value of each pixel, the first in a tie; NaN if a value is NaN, so that a diverged network
 * does not get a score.
 */
function largestOf(values: Tensor3D): Tensor3D {
  return constant(() => tf.add<Tensor3D>(oneHot(tf.argMax(values, 2), values.shape[2]), nanRows(values, 2)));
}

function above({ predictions, layout, activation, sharpness }: LossInputs, threshold: number): Tensor3D {
  // The threshold is applied to logits, because probabilities saturate.
  const bound = activation === 'sigmoid' ? Math.log(threshold / (1 - threshold)) / sharpness : threshold;
  return constant(() => {
    const values = toPixels(predictions, layout);
    return tf.where(tf.notEqual(values, values), values, tf.cast(tf.greater(values, bound), 'float32'));
  });
}

/** Hard labels from soft ones. A pixel without a label of any class stays without one. */
function hardLabels(labels: Tensor3D, largest: boolean): Tensor3D {
  return constant(() => {
    if (!largest) return tf.cast(tf.greater(labels, 0.5), 'float32');
    const some = tf.cast(tf.greater(tf.max(labels, 2, true), 0), 'float32');
    return tf.mul<Tensor3D>(oneHot(tf.argMax(labels, 2) as Tensor2D, labels.shape[2]), some);
  });
}
