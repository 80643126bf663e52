/**
 * Region scores over a data set: the mean of a score, in the three forms of Wang et al. N samples, C classes, S sums.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { numberAlgebra, type NumberMatrix } from '../algebra/numbers.js';
import { checkOneOf, checkOptionNames, fail } from '../checks.js';
import { largest } from '../extremes.js';
import { sumSet, type PassActivation, type SumName, type SumSet } from '../kernels/contract.js';
import { currentKernels } from '../kernels/select.js';
import { sumPixels } from '../ops/sumPixels.js';
import { resolveClasses } from '../losses/families/classes.js';
import type { SumsOf } from '../overlap/sumsFormula.js';
import { passAttributes, plainEntropy, resolveInputs } from '../overlap/inputs.js';
import { Accumulator, type Measure, type UpdateOptions } from './accumulator.js';
import { checkSum } from './accumulatorJson.js';
import { inBlocks } from './blocks.js';
import { hardInputs, takesLargest } from './harden.js';
import { rangeOfLabels } from './measuredRange.js';
import { REGION_SCORE_OPTIONS, type RegionScoreOptions } from './options.js';
import {
  checkRegionScore,
  scoredClasses,
  resolveAbsentClass,
  scoreSumNames,
  scoreValues,
  type Counting,
  type ScoreFormula,
} from './regionScore.js';

export interface MeanScoreOptions extends Omit<RegionScoreOptions, 'mask'> {
  /**
   * `'dataset'` (default): the score of each class from its sums over all samples, then the mean over classes.
   * `'image'`: for each sample the mean over the classes that count in it, then the mean over samples. `'class'`: for
   * each class the mean over the samples in which it counts, then the mean over classes.
   */
  aggregate?: 'dataset' | 'image' | 'class';
}

type Numbers = ReturnType<typeof numberAlgebra>;

/** A region score over a data set. Each subclass, such as `MeanIou`, passes its formula. */
export abstract class MeanScore<O extends MeanScoreOptions = MeanScoreOptions> extends Accumulator<number, O> {
  protected override readonly defaults = {
    ...{ aggregate: 'dataset', hard: false, overlap: 'metric', classes: 'all' },
    ...{ alpha: 0.5, beta: 0.5 }, // for Tversky
  };
  private readonly aggregate: 'dataset' | 'image' | 'class';

  protected constructor(
    readonly kind: string,
    private readonly formula: ScoreFormula<O>,
    options: O,
  ) {
    const known = REGION_SCORE_OPTIONS.filter((name) => name !== 'mask');
    inFunction(kind, () => checkOptionNames(options, [...known, 'aggregate', ...formula.options]));
    super(options);
    this.aggregate = options.aggregate ?? 'dataset';
    inFunction(kind, () => {
      checkOneOf('aggregate', this.aggregate, ['dataset', 'image', 'class']);
      checkRegionScore(formula, options);
    });
  }

  /** The mean of the score; NaN if no class counted. */
  result(): number {
    return this.settled('result', () => this.mean());
  }

  /**
   * The score of each class: with aggregate `'dataset'` from its sums over the data set, otherwise the mean over the
   * samples in which it counts. NaN for a class that does not count.
   */
  perClass(): number[] {
    return this.settled('perClass', () => this.means());
  }

  private mean(): number {
    if (this.classes === null) return NaN;
    if (this.aggregate === 'image') return this.sum(2 * this.classes) / this.sum(2 * this.classes + 1);
    const { weights } = this.counting(this.classes).classes;
    let [total, weight] = [0, 0];
    this.means().forEach((value, c) => {
      if (Number.isNaN(value)) return;
      total += value * weights[c]!;
      weight += weights[c]!;
    });
    return total / weight;
  }

  /** The score of each class. */
  private means(): number[] {
    if (this.classes === null) return [];
    const classes = this.classes;
    const indices = Array.from({ length: classes }, (_, c) => c);
    if (this.aggregate !== 'dataset') return indices.map((c) => this.sum(c) / this.sum(classes + c));
    const a = numberAlgebra();
    const rows = this.sumSet().map((_, i) => indices.map((c) => this.sum(i * classes + c)));
    const table = this.table(a, 1, classes, [...rows, indices.map(() => 1)]);
    const values = scoreValues(a, this.formula, table, this.options).values;
    const counted = scoredClasses(a, this.counting(classes), table).values;
    return indices.map((c) => (counted[c]! > 0 ? values[c]! : NaN));
  }

  protected measure(labels: Tensor, predictions: Tensor, options: O & UpdateOptions): Measure {
    const inputs = resolveInputs(labels, predictions, options, { hard: Boolean(options.hard) });
    resolveClasses(options, inputs.layout.classes);
    const hard = hardInputs(inBlocks(inputs), options);
    const { weights, layout } = hard;
    const { samples, pixels, classes } = layout;
    const valid = weights ? tf.tile(sumPixels(weights), [1, classes]) : tf.fill([samples, classes], pixels);
    const values = currentKernels().sums(hard, passAttributes(hard, plainEntropy(hard)), this.sumSet());
    const sums = tf.transpose(tf.concat([values, tf.expandDims(valid, 0)], 0), [1, 0, 2]);
    return { sums, layout: inputs.layout, ranges: rangeOfLabels(inputs) };
  }

  protected size(classes: number): number {
    return this.aggregate === 'dataset' ? this.sumSet().length * classes : 2 * classes + 2;
  }

  /** The values are [N,S,C]; the last of the S sums is 'valid'. */
  protected absorb(values: Float64Array, samples: number): void {
    const classes = this.classes!;
    const count = this.sumSet().length + 1;
    if (this.aggregate === 'dataset') {
      for (let n = 0; n < samples; n++) {
        const start = n * count * classes;
        for (let i = 0; i < this.sums.length; i++) this.sums[i]!.add(values[start + i]!);
      }
      return;
    }
    const a = numberAlgebra();
    const rows = Array.from({ length: count }, (_, i) =>
      Array.from({ length: samples * classes }, (_, j) => {
        return values[(Math.floor(j / classes) * count + i) * classes + (j % classes)]!;
      }),
    );
    const table = this.table(a, samples, classes, rows);
    this.absorbSamples(
      scoreValues(a, this.formula, table, this.options).values,
      scoredClasses(a, this.counting(classes), table).values,
      classes,
    );
  }

  protected checkOptions(classes: number, activation: PassActivation): void {
    resolveClasses(this.options, classes);
    if (this.options.hard) takesLargest({ activation, layout: { classes } }, this.options.threshold);
  }

  protected checkSums(values: readonly number[], classes: number): void {
    if (this.aggregate !== 'dataset') return this.checkMeans(values, classes);
    const scale = largest(values.map(Math.abs));
    const names = scoreSumNames(this.options);
    for (let c = 0; c < classes; c++) {
      const [overlap, predicted, labelled] = names.map((name) => this.sumSet().indexOf(name) * classes + c);
      for (const i of [predicted!, labelled!]) checkSum(`sums[${i}]`, values[i]!, [0, Infinity], scale);
      const most = Math.max(0, Math.min(values[predicted!]!, values[labelled!]!));
      checkSum(`sums[${overlap}], the intersection of class ${c},`, values[overlap!]!, [0, most], scale);
    }
  }

  /**
   * Checks the sums of aggregates other than 'dataset': for each class its total and its count of samples, then those
   * of the means of samples.
   */
  private checkMeans(values: readonly number[], classes: number): void {
    const { weights, included } = this.counting(classes).classes;
    const check = (sum: number, count: number, fewest: number, most: number) => {
      const [total, number] = [values[sum]!, values[count]!];
      if (!Number.isInteger(number) || number < fewest || number > most) {
        fail(`sums[${count}], which counts samples, must be a whole number in ${fewest}..${most}, got ${number}`);
      }
      if (number === 0 && total !== 0) fail(`sums[${sum}] must be 0, because no sample counts, got ${total}`);
      checkSum(`sums[${sum}]`, total, [0, this.formula.unbounded ? Infinity : number], number);
    };
    included.forEach((part, c) => check(c, classes + c, 0, part * this.samples));
    // A sample counts if at least one class with a weight above 0 counts in it.
    const counts = weights.map((weight, c) => (weight > 0 ? values[classes + c]! : 0));
    const most = counts.reduce((sum, count) => sum + count, 0);
    check(2 * classes, 2 * classes + 1, largest(counts), Math.min(most, this.samples));
  }

  private absorbSamples(values: Float64Array, counted: Float64Array, classes: number): void {
    const { weights } = this.counting(classes).classes;
    for (let start = 0; start < values.length; start += classes) {
      let [total, weight] = [0, 0];
      for (let c = 0; c < classes; c++) {
        if (counted[start + c] === 0) continue;
        this.sums[c]!.add(values[start + c]!);
        this.sums[classes + c]!.add(1);
        total += weights[c]! * values[start + c]!;
        weight += weights[c]!;
      }
      if (weight === 0) continue;
      this.sums[2 * classes]!.add(total / weight);
      this.sums[2 * classes + 1]!.add(1);
    }
  }

  private sumSet(): SumSet<SumName> {
    return sumSet(scoreSumNames(this.options));
  }

  private sum(i: number): number {
    return this.sums[i]!.value();
  }

  private counting(classes: number): Counting {
    const { absent, activation } = this.options;
    const known = activation === 'sigmoid' ? 'sigmoid' : 'softmax';
    return {
      absent: resolveAbsentClass(absent, known, classes, this.aggregate),
      classes: inFunction(this.kind, () => resolveClasses(this.options, classes)),
    };
  }

  /** The sums by name, as matrices. The last row is 'valid'. */
  private table(a: Numbers, samples: number, classes: number, rows: number[][]): SumsOf<NumberMatrix> {
    const matrices = [...this.sumSet(), 'valid'].map((name, i) => [name, a.matrix(samples, classes, rows[i]!)]);
    return Object.fromEntries(matrices) as SumsOf<NumberMatrix>;
  }
}
