/** Calibration, as sums per bin of confidence. N samples, P pixels, C classes, B bins, K columns (1 or C). */
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
   * The number B of bins of equal width, >= 2: [k/B, (k + 1)/B), so that a confidence of k/B is in the upper one of two;
   * the last bin has 1 in it. Default 15.
   */
  bins?: number;
  /**
   * `'top'` (default for classes that exclude each other): the largest probability of a pixel, against that class's
   * label. `'class'` (default otherwise): the probability of each class against its label; the mean over classes.
   */
  confidence?: 'top' | 'class';
  /** With confidence `'class'`: `'all'` (default), or the indices of the classes that take part. */
  classes?: 'all' | readonly number[];
}

export const CALIBRATION_OPTIONS = [...INPUT_OPTIONS, 'bins', 'confidence', 'classes'] as const;

/** Of each column and bin: Σ w confidence, Σ w label, Σ w. */
export const SUMS_PER_BIN = 3;

/** Checks that need no tensor. */
export function checkCalibration({ bins = 15, confidence, classes }: CalibrationOptions): void {
  checkCount('bins', bins, 2);
  if (confidence !== undefined) checkOneOf('confidence', confidence, ['top', 'class']);
  if (confidence === 'top' && classes !== undefined) fail(`classes goes with confidence 'class', not with 'top'`);
}

/** Which columns there are: null for the one of 'top', else the classes that take part. */
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

/** [N, K·B·3], without a gradient. Inside tf.tidy. */
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

/** [N,P,1] to [N,B,3]. */
function binSums(confidence: Tensor3D, label: Tensor3D, weights: Tensor3D | null, bins: number): Tensor3D {
  const w = weights ?? tf.onesLike(confidence);
  const values = tf.concat([tf.mul(confidence, w), tf.mul(label, w), w], 2) as Tensor3D;
  return sumProducts(membership(confidence, bins), values);
}

/**
 * [N,P,1] to [N,P,B]: 1 in the bin of each confidence, found by comparing with the edges k/B as float32 holds them. (The
 * product p·B is rounded: floor(p·B) puts k/B one bin too low for some k.) NaN is in no bin, but the sums are NaN.
 */
function membership(confidence: Tensor3D, bins: number): Tensor3D {
  const edges = Array.from({ length: bins - 1 }, (_, k) => (k + 1) / bins);
  const row = (values: number[]) => tf.tensor3d(values, [1, 1, bins], 'float32');
  const above = tf.greaterEqual(confidence, row([-Infinity, ...edges]));
  const below = tf.less(confidence, row([...edges, Infinity]));
  return toFloat(tf.logicalAnd(above, below));
}

/** One bin: its mean confidence, its mean label, and its weight. All 0 where it is empty. */
export interface CalibrationBin {
  confidence: number;
  label: number;
  weight: number;
}

/** The bins of one column. */
export function binsOf(sums: ArrayLike<number>, column: number, bins: number): CalibrationBin[] {
  return Array.from({ length: bins }, (_, bin) => {
    const at = (column * bins + bin) * SUMS_PER_BIN;
    const weight = sums[at + 2]!;
    const mean = (sum: number) => (weight > 0 ? sum / weight : 0);
    return { confidence: mean(sums[at]!), label: mean(sums[at + 1]!), weight };
  });
}
