import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkAbsentLabel,
  checkAxis,
  checkCount,
  checkHoldsValues,
  checkInteger,
  checkNumber,
  checkNumberList,
  checkOptionNames,
  checkTensor,
  entriesOf,
  fail,
  MOST_CLASSES_IN_PAIRS,
  show,
  type Axis,
} from '../checks.js';
import { maximizeExpectation, normalized, type Estimate } from './expectationMaximization.js';
import { looked, patternsOf, type Patterns } from './patterns.js';

export interface StapleOptions {
  /** The number of classes C, if the masks are int32 class maps; a class axis of C is appended to the consensus. */
  classes?: number;
  /** The axis along which the annotators are stacked. Default 0. */
  annotatorAxis?: number;
  /** The value that marks pixels at which an annotator did not look, say -1 or 255. It is left out. */
  absentLabel?: number;
  /**
   * The prior probability of each class. `'votes'` (default): its share of all answers. `'updated'`: it starts at that
   * share, and each iteration sets it to the mean of the consensus. Numbers fix it: the probability of 1 for masks, or
   * C numbers for class maps.
   */
  prior?: 'votes' | 'updated' | number | readonly number[];
  /** The probability with which annotators are assumed to be right at first, in (0, 1). Default 0.99999. */
  initial?: number;
  /** Stop when no probability of an annotator (nor the prior) changes by more in an iteration. Default 1e-7. */
  tolerance?: number;
  /** The most iterations. Default 1000. */
  maxIterations?: number;
  /** The consensus where no annotator looked; pass it to a loss as `ignoreLabel`. Default -1. */
  missing?: number;
}

interface StapleResult {
  /**
   * The probability of 1 in the shape of a mask; for class maps the probability of each class, with the class axis
   * last.
   */
  consensus: Tensor;
  /** The prior probability of 1, or of each class, of the last iteration. */
  prior: number | number[];
  iterations: number;
  /** True if the tolerance was reached. */
  converged: boolean;
}

export interface BinaryStaple extends StapleResult {
  prior: number;
  /** For each annotator, the probability of marking a pixel that belongs to the structure. */
  sensitivity: number[];
  /** For each annotator, the probability of not marking a pixel that does not belong to the structure. */
  specificity: number[];
}

export interface MultiLabelStaple extends StapleResult {
  prior: number[];
  /** `confusion[annotator][truth][answer]`: the probability of the answer where the truth is that class. */
  confusion: number[][][];
}

/**
 * STAPLE: the consensus of several annotators' masks, weighted by how reliable each annotator turns out to be.
 *
 * The probability of class c at a pixel is prior_c Π_a θ_a[c, d_a], divided by the sum of this over the classes, where
 * d_a is the answer of annotator a. θ_a[c, d] is the share of the pixels at which a answered d, among those at which a
 * looked, each weighted by the probability of c. The two are computed alternately (expectation maximization, in
 * float64, with sums of logarithms), over all pixels together: call it image by image if annotators are not the same
 * for all images. A class that is true nowhere and an annotator who never looked keep their initial θ.
 *
 * The consensus answers another question than `softLabelsFromMasks`: how likely a pixel belongs to the hidden true
 * mask, not how many of the annotators would mark it. It is nearly hard where annotators are reliable. Where most of
 * the image is background it tends to mark more pixels than the majority does, because annotators who mark little there
 * are hardly ever wrong.
 *
 * It reads the masks back from the backend (`dataSync`), so use it where data are prepared. It has no gradient.
 *
 * @param masks stacked 0/1 masks `[A, ...]`, or with `classes` stacked int32 class maps
 * @returns the consensus as soft labels (a tensor to dispose of), and the estimated parameters in plain numbers
 * @throws if masks hold values other than 0, 1 (or classes below C) and `absentLabel`, or options do not fit
 *
 * @example
 * ```ts
 * const masks = tf.tensor([
 *   [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
 *   [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
 *   [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
 *   [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1], // marks half of its pixels elsewhere
 * ]);
 * const { consensus, sensitivity, specificity } = staple(masks);
 * consensus; // [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
 * sensitivity; // [1, 0.75, 1, 0.50]
 * specificity; // [1, 1, 0.88, 0.75]
 * ```
 *
 * @see Warfield, Zou, Wells, Simultaneous truth and performance level estimation (STAPLE), IEEE Transactions on Medical
 * Imaging 23(7), 2004
 */
export function staple(masks: Tensor, options: StapleOptions & { classes: number }): MultiLabelStaple;
export function staple(masks: Tensor, options?: StapleOptions & { classes?: undefined }): BinaryStaple;
export function staple(masks: Tensor, options: StapleOptions = {}): BinaryStaple | MultiLabelStaple {
  return inFunction('staple', () => {
    checkTensor('masks', masks);
    checkOptionNames(options, [
      'classes',
      'annotatorAxis',
      'absentLabel',
      'prior',
      'initial',
      'tolerance',
      'maxIterations',
      'missing',
    ]);
    const { classes, absentLabel, prior = 'votes', tolerance = 1e-7, maxIterations = 1000, missing = -1 } = options;
    if (classes !== undefined) checkCount('classes', classes, 2, MOST_CLASSES_IN_PAIRS);
    if (classes !== undefined && masks.dtype !== 'int32') fail(`class maps must be int32, got ${show(masks)}`);
    checkHoldsValues('masks', masks);
    if (absentLabel !== undefined) checkAbsentLabel(absentLabel, masks);
    checkPrior(prior, classes);
    const initial = checkInitial(options.initial ?? 0.99999);
    checkNumber('tolerance', tolerance, { least: 0 });
    checkInteger('maxIterations', maxIterations, 1);
    checkNumber('missing', missing);
    const axis = checkAxis(options.annotatorAxis ?? 0, masks.shape, 'annotatorAxis');

    const count = classes ?? 2;
    const patterns = patternsOf(readAnswers(masks, axis, count, absentLabel), count);
    const start: Estimate = {
      prior: Array.isArray(prior) ? Float64Array.from(prior) : startingPrior(prior as string | number, patterns, count),
      confusion: Array.from({ length: masks.shape[axis]! }, () => startingConfusion(initial, count)),
    };
    const limits = { tolerance, maxIterations, updatePrior: prior === 'updated' };
    const found = maximizeExpectation(patterns, start, limits);
    const { iterations, converged } = found;

    const shape = masks.shape.filter((_, a) => a !== axis);
    const channels = classes === undefined ? [1] : [...Array(count).keys()];
    const values = spread(patterns, found.posterior, count, channels, missing);
    const consensus = tf.tensor(values, classes === undefined ? shape : [...shape, count]);
    if (classes === undefined) {
      const { confusion } = found;
      return {
        consensus,
        sensitivity: confusion.map((own) => own[3]!),
        specificity: confusion.map((own) => own[0]!),
        prior: found.prior[1]!,
        iterations,
        converged,
      };
    }
    const confusion = found.confusion.map((own) =>
      channels.map((truth) => channels.map((answer) => own[answer * count + truth]!)),
    );
    return { consensus, confusion, prior: [...found.prior], iterations, converged };
  });
}

/** The class of each pixel for each annotator, -1 where the annotator did not look. */
function readAnswers(masks: Tensor, axis: Axis, classes: number, absentLabel?: number): Int32Array[] {
  // The values of masks are float32, so absentLabel is compared as float32, too.
  const absent = absentLabel === undefined ? undefined : Math.fround(absentLabel);
  return tf.tidy(() =>
    tf.unstack(masks, axis).map((mask) => {
      const values = mask.dataSync();
      const answers = new Int32Array(values.length);
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        answers[i] = value === absent ? -1 : value;
        if (value !== absent && !(Number.isInteger(value) && value >= 0 && value < classes)) {
          const otherwise = absent === undefined ? '' : ` or absentLabel ${absentLabel}`;
          fail(`masks must hold classes in 0..${classes - 1}${otherwise}, got ${value}`);
        }
      }
      return answers;
    }),
  );
}

function checkPrior(prior: unknown, classes: number | undefined): void {
  if (prior === 'votes' || prior === 'updated') return;
  if (classes === undefined) {
    if (typeof prior === 'number') return checkNumber('prior', prior, { least: 0, most: 1 });
    fail(`prior of masks must be 'votes', 'updated' or a number in [0, 1], got ${show(prior)}`);
  }
  if (!entriesOf(prior)) {
    fail(`prior of class maps must be 'votes', 'updated' or a list of ${classes} numbers, got ${show(prior)}`);
  }
  const shares = checkNumberList('prior', prior, `a list of ${classes} numbers`, classes, { least: 0, most: 1 });
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (Math.abs(total - 1) > 1e-6) fail(`prior must sum to 1, got ${show(prior)}`);
}

/** Checks `initial`. It must not be 1: an annotator who differs from the others would make every class impossible. */
function checkInitial(initial: unknown): number {
  if (typeof initial === 'number' && initial > 0 && initial < 1) return initial;
  fail(`initial must be a number in (0, 1), got ${show(initial)}`);
}

function startingPrior(prior: string | number, patterns: Patterns, classes: number): Float64Array {
  if (typeof prior === 'number') return Float64Array.of(1 - prior, prior);
  const votes = new Float64Array(classes);
  patterns.answers.forEach((given, k) => {
    for (const answer of given) if (answer >= 0) votes[answer]! += patterns.counts[k]!;
  });
  return normalized(votes, new Float64Array(classes).fill(1 / classes));
}

function startingConfusion(initial: number, classes: number): Float64Array {
  const other = (1 - initial) / (classes - 1);
  return Float64Array.from({ length: classes * classes }, (_, i) => (i % (classes + 1) === 0 ? initial : other));
}

/** The given channels of the posterior for every pixel; `missing` where no annotator looked. */
function spread(
  { answers, patternOfPixel }: Patterns,
  posterior: Float64Array,
  classes: number,
  channels: readonly number[],
  missing: number,
): Float32Array {
  const rows = answers.map((given, k) => channels.map((c) => (looked(given) ? posterior[k * classes + c]! : missing)));
  const width = channels.length;
  const values = new Float32Array(patternOfPixel.length * width);
  for (let i = 0; i < patternOfPixel.length; i++) {
    const row = rows[patternOfPixel[i]!]!;
    for (let j = 0; j < width; j++) values[i * width + j] = row[j]!;
  }
  return values;
}
