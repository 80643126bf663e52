import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOptionNames } from '../checks.js';
import type { PassActivation } from '../kernels/contract.js';
import { resolveInputs } from '../overlap/inputs.js';
import { Accumulator, type Measure, type UpdateOptions } from './accumulator.js';
import { checkSum } from './accumulatorJson.js';
import { inBlocks } from './blocks.js';
import {
  binsOf,
  CALIBRATION_OPTIONS,
  calibrationColumns,
  calibrationSums,
  checkCalibration,
  SUMS_PER_BIN,
  type CalibrationBin,
  type CalibrationOptions,
} from './calibration.js';
import { rangeOfLabels } from './measuredRange.js';

export type CalibrationErrorOptions = Omit<CalibrationOptions, 'mask'>;

/**
 * The expected calibration error of a data set, batch by batch, and its bins for a reliability diagram. See
 * `expectedCalibrationError` for the error, and `MeanIou` for the methods of accumulators.
 *
 * @throws if an option does not fit
 *
 * @example
 * ```ts
 * const scores = new CalibrationError({ activation: 'none', bins: 5 });
 * scores.update(tf.tensor([[[1], [0]]]), tf.tensor([[[0.7], [0.7]]]));
 * scores.update(tf.tensor([[[0.4]]]), tf.tensor([[[0.1]]]));
 * scores.result(); // 0.2333
 * const [bins] = scores.reliability(); // five bins
 * [bins[3].confidence, bins[3].label, bins[3].weight]; // [0.7, 0.5, 2]
 * ```
 *
 * @see Guo et al., On calibration of modern neural networks, ICML 2017, arXiv 1706.04599
 */
export class CalibrationError extends Accumulator<number, CalibrationErrorOptions> {
  readonly kind = 'CalibrationError';
  protected override readonly defaults = { bins: 15 };

  constructor(options: CalibrationErrorOptions = {}) {
    const known = CALIBRATION_OPTIONS.filter((name) => name !== 'mask');
    inFunction('CalibrationError', () => {
      checkOptionNames(options, known);
      checkCalibration(options);
    });
    super(options);
  }

  /** The error; with confidence `'class'`, the mean over classes. NaN if no pixel counted. */
  result(): number {
    const errors = this.settled('result', () => this.tables()).map((bins) => {
      const weight = bins.reduce((sum, bin) => sum + bin.weight, 0);
      return bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.label) * bin.weight, 0) / weight;
    });
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  }

  /** Lists of bins: one list with confidence `'top'`, otherwise one for each class that takes part. */
  reliability(): CalibrationBin[][] {
    return this.settled('reliability', () => this.tables());
  }

  protected measure(labels: Tensor, predictions: Tensor, options: CalibrationErrorOptions & UpdateOptions): Measure {
    const inputs = resolveInputs(labels, predictions, options);
    const { layout } = inputs;
    const columns = calibrationColumns(options, inputs.activation, layout.classes);
    return { sums: calibrationSums(inBlocks(inputs), columns, this.bins), layout, ranges: rangeOfLabels(inputs) };
  }

  protected size(classes: number): number {
    const { activation } = this.options;
    const known = classes === 1 || activation === 'sigmoid' ? 'sigmoid' : 'softmax';
    return (
      (inFunction(this.kind, () => calibrationColumns(this.options, known, classes))?.length ?? 1) *
      this.bins *
      SUMS_PER_BIN
    );
  }

  protected absorb(values: Float64Array): void {
    values.forEach((value, i) => this.sums[i % this.sums.length]!.add(value));
  }

  protected checkOptions(classes: number, activation: PassActivation): void {
    calibrationColumns(this.options, activation, classes);
  }

  protected checkSums(values: readonly number[]): void {
    for (let i = 0; i < values.length; i += SUMS_PER_BIN) {
      const [confidence, label, weight] = values.slice(i, i + SUMS_PER_BIN) as [number, number, number];
      const bin = (i / SUMS_PER_BIN) % this.bins;
      checkSum(`sums[${i + 2}], the weight of a bin,`, weight, [0, Infinity], 0);
      const range = [(bin / this.bins) * weight, ((bin + 1) / this.bins) * weight] as const;
      checkSum(`sums[${i}], the confidence of bin ${bin},`, confidence, range, weight);
      checkSum(`sums[${i + 1}], the labels of bin ${bin},`, label, [0, weight], weight);
    }
  }

  private tables(): CalibrationBin[][] {
    const sums = this.sums.map((sum) => sum.value());
    const columns = sums.length / (this.bins * SUMS_PER_BIN);
    return Array.from({ length: columns }, (_, column) => binsOf(sums, column, this.bins));
  }

  private get bins(): number {
    return this.options.bins ?? 15;
  }
}
