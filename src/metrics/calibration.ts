/** Calibration, as sums per bin of confidence. N samples, P pixels, C classes, B bins, K columns (1 or C). */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { checkInteger, checkOneOf, fail } from '../checks.js';
import { pixels, probabilities } from '../kernels/composed/pixels.js';
import { constant } from '../kernels/constant.js';
import type { PassActivation } from '../kernels/contract.js';
import { oneHot } from '../kernels/oneHot.js';
import { resolveClasses } from '../losses/classes.js';
import { PROBLEM_OPTIONS, type ProblemOptions } from '../overlap/options.js';
import { entropyKind, passAttributes, plainEntropy, type Problem } from '../overlap/problem.js';
import { sumProducts } from './sumProducts.js';

export interface CalibrationOptions extends ProblemOptions {
  /** The number of bins of equal width, >= 2; the last has the confidence 1 in it. Default 15. */
  bins?: number;
  /**
   * `'top'` (default for classes that exclude each other): the largest probability of a pixel, against that class's
   * label. `'class'` (default otherwise): the probability of each class against its label; the mean over classes.
   */
  confidence?: 'top' | 'class';
  /** With confidence `'class'`: `'all'` (default), or the indices of the classes that take part. */
  classes?: 'all' | readonly number[];
}

export const CALIBRATION_OPTIONS = [...PROBLEM_OPTIONS, 'bins', 'confidence', 'classes'] as const;

/** Of each column and bin: Σ w confidence, Σ w label, Σ w. */
export const SUMS_PER_BIN = 3;

/** Checks that need no tensor. */
export function checkCalibration(fn: string, { bins = 15, confidence, classes }: CalibrationOptions): void {
  checkInteger(fn, 'bins', bins, 2);
  if (confidence !== undefined) checkOneOf(fn, 'confidence', confidence, ['top', 'class']);
  if (confidence === 'top' && classes !== undefined) fail(fn, `classes goes with confidence 'class', not with 'top'`);
}

/** Which columns there are: null for the one of 'top', else the classes that take part. */
export function calibrationColumns(
  fn: string,
  options: CalibrationOptions,
  activation: PassActivation,
  count: number,
): number[] | null {
  const kind = entropyKind(activation, count);
  const { confidence = kind === 'binary' || options.classes !== undefined ? 'class' : 'top' } = options;
  if (confidence === 'top' && kind === 'binary') {
    fail(fn, `confidence 'top' is for classes that exclude each other; under sigmoid, or with one class, use 'class'`);
  }
  const { takesPart } = resolveClasses(fn, options, count);
  return confidence === 'top' ? null : [...takesPart.keys()].filter((c) => takesPart[c] === 1);
}

/** [N, K·B·3], without a gradient. Inside tf.tidy. */
export function calibrationSums(problem: Problem, columns: number[] | null, bins: number): Tensor2D {
  const { samples } = problem.layout;
  return constant((): Tensor2D => {
    const all = pixels(problem, passAttributes(problem, plainEntropy(problem)));
    const p = probabilities(all.scaled, problem.activation);
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
    const top = oneHot(tf.argMax(all.scaled, 2), problem.layout.classes);
    return sums(tf.max(p, 2, true), tf.sum(tf.mul(top, t), 2, true));
  });
}

/** [N,P,1] to [N,B,3]. */
function binSums(confidence: Tensor3D, label: Tensor3D, weights: Tensor3D | null, bins: number): Tensor3D {
  const w = weights ?? tf.onesLike(confidence);
  const lowest = tf.maximum(tf.floor(tf.mul(confidence, bins)), 0);
  const index = tf.squeeze(tf.cast(tf.minimum(lowest, bins - 1), 'int32'), [2]);
  const values = tf.concat([tf.mul(confidence, w), tf.mul(label, w), w], 2) as Tensor3D;
  return sumProducts(oneHot(index, bins) as Tensor3D, values);
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
