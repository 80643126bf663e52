import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOptionNames } from '../checks.js';
import { resolveClasses } from '../losses/families/classes.js';
import { resolveInputs } from '../overlap/inputs.js';
import { Accumulator, type Measure, type UpdateOptions } from './accumulator.js';
import { checkSum } from './accumulatorJson.js';
import { inBlocks } from './blocks.js';
import { BRIER_OPTIONS, brierSums, type BrierOptions } from './brierScore.js';
import { rangeOfLabels } from './measuredRange.js';

export type MeanBrierOptions = Omit<BrierOptions, 'mask'>;

/**
 * The Brier score of a data set, batch by batch: the mean over all its pixels. See `brierScore` for the score, and
 * `MeanIou` for the methods of accumulators.
 *
 * @throws if an option does not fit
 *
 * @example
 * ```ts
 * const scores = new MeanBrier({ activation: 'none' });
 * scores.update(tf.tensor([[[0.9], [0]]]), tf.tensor([[[0.7], [0.1]]]));
 * scores.update(tf.tensor([[[0.5]]]), tf.tensor([[[0.6]]]));
 * scores.result(); // 0.02
 * ```
 *
 * @see Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78, 1950
 */
export class MeanBrier extends Accumulator<number, MeanBrierOptions> {
  readonly kind = 'MeanBrier';
  protected override readonly defaults = { classes: 'all' };

  constructor(options: MeanBrierOptions = {}) {
    const known = BRIER_OPTIONS.filter((name) => name !== 'mask');
    inFunction('MeanBrier', () => checkOptionNames(options, known));
    super(options);
  }

  /** The mean over pixels; NaN if no pixel counted. */
  result(): number {
    return this.settled('result', () => {
      if (this.classes === null) return NaN;
      return this.sums[0]!.value() / this.sums[1]!.value();
    });
  }

  protected measure(labels: Tensor, predictions: Tensor, options: BrierOptions & UpdateOptions): Measure {
    const inputs = resolveInputs(labels, predictions, options);
    const { errors, valid } = brierSums(inBlocks(inputs), options);
    return { sums: tf.concat([errors, valid], 1), layout: inputs.layout, ranges: rangeOfLabels(inputs) };
  }

  protected size(): number {
    return 2;
  }

  protected absorb(values: Float64Array): void {
    values.forEach((value, i) => this.sums[i % 2]!.add(value));
  }

  protected checkOptions(classes: number): void {
    resolveClasses(this.options, classes);
  }

  protected checkSums([errors, weight]: readonly number[], classes: number): void {
    checkSum('sums[1], the weight of all pixels,', weight!, [0, Infinity], 0);
    checkSum('sums[0], the squared errors,', errors!, [0, classes * weight!], classes * weight!);
  }
}
