/**
 * Calibration, as sums per bin of confidence. N samples, P pixels, C classes, B bins, K columns: 1 for confidence
 * 'top', otherwise one for each class that takes part.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { checkCount, checkOneOf, fail } from '../checks.js';
import { pixels, probabilities } from '../kernels/composed/pixels.js';
import { constant } from '../ops/constant.js';
import type { PassActivation } from '../kernels/contract.js';
import { oneHot } from '../ops/oneHot.js';
import { toFloat } from '../ops/toFloat.js';
import { resolveClasses } from '../losses/families/classes.js';
import { INPUT_OPTIONS, type InputOptions } from '../overlap/options.js';
import { entropyKind, passAttributes, plainEntropy, type LossInputs } from '../overlap/inputs.js';
import { sumProducts } from './sumProducts.js';

export interface CalibrationOptions extends InputOptions {
  /**
   * The number B of bins of equal width, >= 2. Bin k is [k/B, (k + 1)/B), so a confidence of exactly k/B is in the
   * upper bin; the last bin includes 1. Default 15.
   */
  bins?: number;
  /**
   * `'top'` (default for classes that exclude each other, unless `classes` is given): the largest probability of a
   * pixel is compared with the label of that class. `'class'` (default otherwise): the probability of each class is
   * compared with its label, and the result is the mean over classes.
   */
  confidence?: 'top' | 'class';
  /** With confidence `'class'`: `'all'` (default), or the indices of the classes that take part. */
  classes?: 'all' | readonly number[];
}

export const CALIBRATION_OPTIONS = [...INPUT_OPTIONS, 'bins', 'confidence', 'classes'] as const;

/** The sums of each column and bin: Σ w confidence, Σ w label, Σ w. */
export const SUMS_PER_BIN = 3;

/** Checks that need no tensor. */
export function checkCalibration({ bins = 15, confidence, classes }: CalibrationOptions): void {
  checkCount('bins', bins, 2);
  if (confidence !== undefined) checkOneOf('confidence', confidence, ['top', 'class']);
  if (confidence === 'top' && classes !== undefined) fail(`classes goes with confidence 'class', not with 'top'`);
}

/** The classes that have a column, or null for the single column of confidence 'top'. */
export function calibrationColumns(
  options: CalibrationOptions,
  activation: PassActivation,
  count: number,
): number[] | null {
  const kind = entropyKind(activation, count);
  const { confidence = kind === 'binary' || options.classes !== undefined ? 'class' : 'top' } = options;
  if (confidence === 'top' && kind === 'binary') {
    fail(`confidence 'top' is for classes that exclude each other; under sigmoid, or with one class, use 'class'`);
  }
  const { included } = resolveClasses(options, count);
  return confidence === 'top' ? null : [...included.keys()].filter((c) => included[c] === 1);
}

/** The sums of each sample, [N, K·B·3], without a gradient. Call it inside tf.tidy. */
export function calibrationSums(inputs: LossInputs, columns: number[] | null, bins: number): Tensor2D {
  const { samples } = inputs.layout;
  return constant((): Tensor2D => {
    const all = pixels(inputs, passAttributes(inputs, plainEntropy(inputs)));
    const p = probabilities(all.scaled, inputs.activation);
    const { labels: t, weights } = all;
    const sums = (confidence: Tensor3D, label: Tensor3D): Tensor2D =>
      tf.tidy(() => tf.reshape(binSums(confidence, label, weights, bins), [samples, bins * SUMS_PER_BIN]));
    if (columns) {
      const column = (x: Tensor3D, c: number): Tensor3D => tf.slice3d(x, [0, 0, c], [-1, -1, 1]);
      return tf.concat(
        columns.map((c) => sums(column(p, c), column(t, c))),
        1,
      );
    }
    const top = oneHot(tf.argMax(all.scaled, 2), inputs.layout.classes);
    return sums(tf.max(p, 2, true), tf.sum(tf.mul(top, t), 2, true));
  });
}

/** The sums of one column: [N,P,1] to [N,B,3]. */
function binSums(confidence: Tensor3D, label: Tensor3D, weights: Tensor3D | null, bins: number): Tensor3D {
  const w = weights ?? tf.onesLike(confidence);
  const values = tf.concat([tf.mul(confidence, w), tf.mul(label, w), w], 2) as Tensor3D;
  return sumProducts(membership(confidence, bins), values);
}

/**
 * [N,P,1] to [N,P,B]: 1 in the bin of each confidence, else 0. The bin is found by comparing with the edges k/B,
 * rounded to float32. floor(p·B) would put k/B one bin too low for some k, because the product is rounded. NaN is in no
 * bin, but makes the sums NaN.
 */
function membership(confidence: Tensor3D, bins: number): Tensor3D {
  const edges = Array.from({ length: bins - 1 }, (_, k) => (k + 1) / bins);
  const row = (values: number[]) => tf.tensor3d(values, [1, 1, bins], 'float32');
  const above = tf.greaterEqual(confidence, row([-Infinity, ...edges]));
  const below = tf.less(confidence, row([...edges, Infinity]));
  return toFloat(tf.logicalAnd(above, below));
}

/** One bin: its mean confidence, its mean label, and its weight. All are 0 if it is empty. */
export interface CalibrationBin {
  confidence: number;
  label: number;
  weight: number;
}

/** The bins of one column, from the sums of all columns. */
export function binsOf(sums: ArrayLike<number>, column: number, bins: number): CalibrationBin[] {
  return Array.from({ length: bins }, (_, bin) => {
    const at = (column * bins + bin) * SUMS_PER_BIN;
    const weight = sums[at + 2]!;
    const mean = (sum: number) => (weight > 0 ? sum / weight : 0);
    return { confidence: mean(sums[at]!), label: mean(sums[at + 1]!), weight };
  });
}
