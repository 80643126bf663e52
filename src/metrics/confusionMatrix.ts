import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkCount,
  checkOptionNames,
  checkTensor,
  entriesOf,
  fail,
  MOST_CLASSES_IN_PAIRS,
  show,
  showShape,
} from '../checks.js';
import { pixels, weigh } from '../kernels/composed/pixels.js';
import { INPUT_OPTIONS, type InputOptions } from '../overlap/options.js';
import { passAttributes, plainEntropy, resolveInputs } from '../overlap/inputs.js';
import { Accumulator, type Measure, type UpdateOptions } from './accumulator.js';
import { checkSum } from './accumulatorJson.js';
import { inBlocks } from './blocks.js';
import { classScores, confusionScores, type ClassScores, type ConfusionResult } from './confusionScores.js';
import { confusionSvg } from './confusionSvg.js';
import { confusionText } from './confusionText.js';
import { checkThreshold, hardInputs } from './harden.js';
import { intInputs, type HardInputs } from './intInputs.js';
import { rangeOfLabels } from './measuredRange.js';
import { sumProducts } from './sumProducts.js';

export interface ConfusionMatrixOptions extends Omit<InputOptions, 'mask'> {
  /** The names of the classes, for `toText` and `toSVG`. Default: their numbers. */
  classNames?: readonly string[];
  /** The number of classes. Needed if predictions are class indices and neither `classNames` nor the labels give it. */
  classCount?: number;
  /** If there is one class: the probability, in (0, 1), above which it is predicted. Default 0.5. */
  threshold?: number;
}

const OPTIONS = [...INPUT_OPTIONS.filter((name) => name !== 'mask'), 'classNames', 'classCount', 'threshold'];

/**
 * A confusion matrix of a data set, batch by batch. Cell (i, j) is Σ w t_i [j is predicted], the number of pixels
 * labelled i and predicted j, with pixel weights w; a soft label is shared among the rows. The predicted class is the
 * one with the largest logit. A single class makes a matrix of two: row and column 0 are the pixels without it, 1 those
 * with it.
 *
 * `update` also takes int32 predictions: class indices `[N, ...spatial]` or with a class axis of 1, and one-hot masks
 * `[N, ...spatial, C]`. Indices need `classCount` or `classNames`, unless the labels have a class axis. If int32 labels
 * and predictions have the same shape and could be either, `update` throws; one-hot labels in bool or float32 are
 * unambiguous. Class indices outside 0..C-1 are also an error, unless their pixels do not count. See `MeanIou` for the
 * methods of accumulators.
 *
 * @throws if an option does not fit; `update` also throws if classes may overlap (activation `'sigmoid'` with C > 1)
 *
 * @example
 * ```ts
 * const matrix = new ConfusionMatrix({ classNames: ['sky', 'tree'] });
 * matrix.update(tf.tensor([[0, 0, 1, 1]], [1, 4], 'int32'), tf.tensor([[[2, 0], [0, 1], [0, 2], [0, 3]]]));
 * matrix.counts(); // [[1, 1], [0, 2]]
 * matrix.result().accuracy; // 0.75
 * matrix.perClass().iou; // [0.5, 0.667]
 * console.log(matrix.toText());
 * // labelled as \ predicted as     sky     tree  pixels
 * // sky                         50.0 %   50.0 %       2
 * // tree                         0.0 %  100.0 %       2
 * ```
 *
 * @see Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20, 1960
 */
export class ConfusionMatrix extends Accumulator<ConfusionResult, ConfusionMatrixOptions> {
  readonly kind = 'ConfusionMatrix';
  protected override readonly classRange = [2, MOST_CLASSES_IN_PAIRS] as const;

  constructor(options: ConfusionMatrixOptions = {}) {
    inFunction('ConfusionMatrix', () => {
      checkOptionNames(options, OPTIONS);
      const { classNames, classCount, threshold } = options;
      if (classCount !== undefined) checkCount('classCount', classCount, 2, MOST_CLASSES_IN_PAIRS);
      if (threshold !== undefined) checkThreshold(threshold);
      if (classNames !== undefined) {
        const names = entriesOf(classNames);
        const ok = names && names.length > 1 && names.every((name) => typeof name === 'string');
        if (!ok) fail(`classNames must be a list of at least two names, got ${show(classNames)}`);
        if (classCount !== undefined && classCount !== classNames.length) {
          fail(`classNames must be ${classCount} names, as many as classCount, got ${show(classNames)}`);
        }
      }
    });
    super(options);
  }

  /** The matrix: a row for each label, a column for each prediction. */
  counts(): number[][] {
    return this.settled('counts', () => this.table());
  }

  /** Accuracy, the means of the scores of `perClass`, and Cohen's kappa. Values with a denominator of 0 are NaN. */
  result(): ConfusionResult {
    return this.settled('result', () => confusionScores(this.table()));
  }

  /** IoU, Dice, precision and recall of each class; NaN for a class that is neither labelled nor predicted. */
  perClass(): ClassScores {
    return this.settled('perClass', () => classScores(this.table()));
  }

  /**
   * The matrix as a text table: a row for each label, with the percentage of its pixels predicted as each class, and
   * their number.
   */
  toText(): string {
    return this.settled('toText', () => confusionText(this.table(), this.names()));
  }

  /**
   * The matrix as an SVG picture: a cell for each label and prediction, coloured by its share of the row, with the
   * share and the number of pixels. The background is transparent; the picture is legible on a light and on a dark
   * page.
   */
  toSVG(): string {
    return this.settled('toSVG', () => confusionSvg(this.table(), this.names()));
  }

  protected measure(
    labels: Tensor,
    predictions: Tensor,
    { classNames: _, classCount: __, threshold, ...options }: ConfusionMatrixOptions & UpdateOptions,
  ): Measure {
    const expected = this.expected();
    checkTensor('labels', labels);
    checkTensor('predictions', predictions);
    const { inputs, ranges } =
      predictions.dtype === 'int32'
        ? intInputs(labels, predictions, expected, options)
        : logitInputs(labels, predictions, threshold, options);
    const { layout } = inputs;
    checkThresholdClasses(threshold, layout.classes);
    const classes = Math.max(layout.classes, 2);
    this.checkClasses(classes);
    if (expected !== undefined && expected !== classes) {
      const both = `labels ${showShape(labels.shape)} and predictions ${showShape(predictions.shape)}`;
      fail(`expects ${expected} classes, got ${classes} in ${both}`);
    }
    const all = pixels(inBlocks(inputs), passAttributes(inputs, plainEntropy(inputs)));
    const sums = sumProducts(weigh(bothClasses(all.labels), all.weights), bothClasses(all.scaled));
    return { sums, layout: { samples: layout.samples, classes }, ranges };
  }

  protected size(classes: number): number {
    return classes * classes;
  }

  protected absorb(values: Float64Array): void {
    values.forEach((value, i) => this.sums[i % this.sums.length]!.add(value));
  }

  protected checkOptions(classes: number): void {
    const { threshold } = this.options;
    const expected = this.expected();
    if (expected !== undefined && expected !== classes) fail(`expects ${expected} classes, got ${classes}`);
    // A single class makes two.
    if (classes > 2) checkThresholdClasses(threshold, classes);
  }

  protected checkSums(values: readonly number[]): void {
    const total = values.reduce((sum, value) => sum + Math.abs(value), 0);
    values.forEach((value, i) => checkSum(`sums[${i}], a cell of the matrix,`, value, [0, Infinity], total));
  }

  private table(): number[][] {
    const classes = this.names().length;
    return Array.from({ length: classes }, (_, i) =>
      Array.from({ length: classes }, (_, j) => this.sums[i * classes + j]?.value() ?? 0),
    );
  }

  private expected(): number | undefined {
    return this.options.classCount ?? this.options.classNames?.length;
  }

  private names(): readonly string[] {
    const { classNames, classCount = 0 } = this.options;
    return classNames ?? Array.from({ length: this.classes ?? classCount }, (_, c) => String(c));
  }
}

function logitInputs(
  labels: Tensor,
  predictions: Tensor,
  threshold: number | undefined,
  options: InputOptions,
): HardInputs {
  const inputs = resolveInputs(labels, predictions, options, { hard: true });
  const { activation, layout } = inputs;
  if (activation === 'sigmoid' && layout.classes > 1) {
    fail(`classes that may overlap (activation 'sigmoid', ${layout.classes} classes) have no confusion matrix`);
  }
  checkThresholdClasses(threshold, layout.classes);
  return {
    inputs: hardInputs(inputs, { hard: 'predictions', threshold }),
    ranges: rangeOfLabels(inputs),
  };
}

function checkThresholdClasses(threshold: number | undefined, classes: number): void {
  if (threshold !== undefined && classes > 1) {
    fail(`threshold goes with one class, got ${threshold} for ${classes} classes`);
  }
}

/** Turns a single class into two columns: without it, and with it. */
function bothClasses(x: Tensor3D): Tensor3D {
  return x.shape[2] > 1 ? x : tf.concat([tf.sub(1, x), x], 2);
}
