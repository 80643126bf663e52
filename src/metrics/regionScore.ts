/**
 * The common part of the region scores. A region score is a ratio of the sums of `overlap`. It is written for any
 * `Algebra`, so that functions can compute it in tfjs ops or in plain numbers, and accumulators in plain numbers. N
 * samples, C classes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Algebra } from '../algebra/algebra.js';
import { checkOneOf, checkOptionNames, fail } from '../checks.js';
import type { PassActivation, SumName } from '../kernels/contract.js';
import { resolveClasses, type ClassWeights } from '../losses/families/classes.js';
import { lossOfSums } from '../overlap/lossOfSums.js';
import type { SumsFormula, SumsOf } from '../overlap/sumsFormula.js';
import { resolveInputs, type LossInputs } from '../overlap/inputs.js';
import { checkHard, hardInputs } from './harden.js';
import {
  REGION_SCORE_OPTIONS,
  type AbsentClass,
  type RegionScoreOptions,
  type ScoreOptions,
  type ScoreReduction,
} from './options.js';

/** I, P and T of the formulas, [N,C] each. */
interface ScoreSums<M> {
  intersection: M;
  predicted: M;
  labelled: M;
}

/** The formula of a score, per sample and class, from the sums. */
export interface ScoreFormula<O extends RegionScoreOptions> {
  /** The names of the score's own options. */
  options: readonly string[];
  /**
   * True if rounding may push the score far above 1. This happens where an error that should be 0 is slightly negative
   * because of rounding, and is multiplied by a large weight.
   */
  unbounded?: boolean;
  /** Checks the score's own options. */
  check(options: O): void;
  numerator<M>(algebra: Algebra<M>, sums: ScoreSums<M>, options: O): M;
  denominator<M>(algebra: Algebra<M>, sums: ScoreSums<M>, options: O): M;
}

/** A scalar, one number per sample, or one per sample and class, depending on the option `reduction`. */
export type ScoreResult<R extends ScoreReduction> = R extends 'none'
  ? Tensor2D
  : R extends 'sample'
    ? Tensor1D
    : Scalar;

export function regionScore<O extends ScoreOptions>(
  formula: ScoreFormula<O>,
  labels: Tensor,
  predictions: Tensor,
  options: O,
): Tensor {
  checkOptionNames(options, [...REGION_SCORE_OPTIONS, 'aggregate', 'reduction', ...formula.options]);
  checkRegionScore(formula, options);
  const { aggregate = 'image', reduction = 'mean' } = options;
  checkOneOf('aggregate', aggregate, ['image', 'batch']);
  checkOneOf('reduction', reduction, ['mean', 'sample', 'none']);
  if (reduction === 'sample' && aggregate === 'batch') {
    fail(`reduction 'sample' needs aggregate 'image', got 'batch', which has no value per sample`);
  }
  return tf.tidy(() => {
    const inputs = resolveInputs(labels, predictions, options, { hard: Boolean(options.hard) });
    return lossOfSums(hardInputs(inputs, options), scoreFormula(formula, options, inputs));
  });
}

/** Checks that need no tensor. */
export function checkRegionScore<O extends RegionScoreOptions>(formula: ScoreFormula<O>, options: O): void {
  const { absent, overlap = 'metric' } = options;
  if (absent !== undefined) checkOneOf('absent', absent, ['skip', 'penalize', 'count']);
  checkOneOf('overlap', overlap, ['metric', 'product']);
  checkHard(options);
  formula.check(options);
}

/** The sums that a score is computed from. The first is I: Σ w p t, or Σ w min(p, t). */
export function scoreSumNames({ overlap = 'metric' }: RegionScoreOptions): readonly SumName[] {
  return [overlap === 'product' ? 'intersection' : 'minimum', 'predicted', 'labelled'];
}

function scoreFormula<O extends ScoreOptions>(
  formula: ScoreFormula<O>,
  options: O,
  { activation, layout }: LossInputs,
): SumsFormula {
  const { classes } = layout;
  const { aggregate = 'image', reduction = 'mean' } = options;
  const counting = {
    absent: resolveAbsentClass(options.absent, activation, classes, aggregate),
    classes: resolveClasses(options, classes),
  };
  return {
    sums: scoreSumNames(options),
    value(a, images) {
      const table = aggregate === 'batch' ? sumOfSamples(a, images) : images;
      const values = scoreValues(a, formula, table, options);
      if (reduction === 'none') return values;
      const weights = a.mul(scoredClasses(a, counting, table), a.row(counting.classes.weights));
      const total = a.sumOfColumns(weights);
      const samples = a.divide(a.sumOfColumns(a.mul(values, weights)), total, 1);
      if (reduction === 'sample') return samples;
      const counts = a.step(total);
      return a.divide(a.sumOfRows(a.mul(samples, counts)), a.sumOfRows(counts), 1);
    },
    shape(samples) {
      if (reduction === 'none') return [aggregate === 'batch' ? 1 : samples, classes];
      return reduction === 'sample' ? [samples] : [];
    },
  };
}

/** The sums of the whole batch, as if it were one image. */
function sumOfSamples<M>(a: Algebra<M>, table: SumsOf<M>): SumsOf<M> {
  return Object.fromEntries(Object.entries(table).map(([name, sum]) => [name, a.sumOfRows(sum as M)])) as SumsOf<M>;
}

/**
 * The score of each sample and class. It is 1 if the class is neither labelled nor predicted; otherwise, it is 0 if the
 * denominator is 0.
 */
export function scoreValues<M, O extends RegionScoreOptions>(
  a: Algebra<M>,
  formula: ScoreFormula<O>,
  { intersection, minimum, predicted, labelled }: SumsOf<M>,
  options: O,
): M {
  const all = a.add(predicted, labelled);
  const sums = { intersection: options.overlap === 'product' ? intersection : minimum, predicted, labelled };
  const ratio = a.divide(formula.numerator(a, sums, options), formula.denominator(a, sums, options), 0);
  return a.add(ratio, a.sub(1, a.step(all)));
}

export interface Counting {
  absent: AbsentClass;
  classes: ClassWeights;
}

/**
 * The default of `absent` follows Wang et al. A class that excludes others is left out of an image in which it has no
 * label, and of a whole batch or data set in which it has neither label nor prediction. Classes that may overlap always
 * count.
 */
export function resolveAbsentClass(
  absent: AbsentClass | undefined,
  activation: PassActivation,
  classes: number,
  aggregate: string,
): AbsentClass {
  if (absent !== undefined) return absent;
  if (classes === 1 || activation === 'sigmoid') return 'count';
  return aggregate === 'batch' || aggregate === 'dataset' ? 'penalize' : 'skip';
}

/** [N,C]: 1 where the class counts in the sample, else 0. */
export function scoredClasses<M>(
  a: Algebra<M>,
  { absent, classes }: Counting,
  { predicted, labelled, valid }: SumsOf<M>,
): M {
  const inValid = a.mul(a.step(valid), a.row(classes.included));
  if (absent === 'count') return inValid;
  return a.mul(inValid, a.step(absent === 'skip' ? labelled : a.add(predicted, labelled)));
}
