/**
 * What the region losses share. A loss is a formula on the sums of `overlap`; everything else (which classes count, what
 * an absent class contributes, how values are reduced) happens here, once for all of them. N samples, C classes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Algebra } from '../algebra/algebra.js';
import { checkNumber, checkOneOf, checkOptionNames, fail } from '../checks.js';
import type { SumName } from '../kernels/contract.js';
import { lossOfTable, type SumsFormula, type SumsOf } from '../overlap/sumsFormula.js';
import { resolveInputs } from '../overlap/inputs.js';
import { lossOfTerm, passTerm, type SumTerm } from '../overlap/terms.js';
import { resolveClasses, type ClassWeights } from './classes.js';
import { REDUCTIONS, REGION_OPTIONS, type Reduction, type RegionOptions } from './options.js';
import { readTable, tableClasses, type GivenTable } from '../overlap/checkOverlapTable.js';

/** I, P and T of the formulas, [N,C] each, and V [N,1]. */
export interface RegionSums<M> {
  intersection: M;
  predicted: M;
  labelled: M;
  valid: M;
}

/** A loss per sample and class, from the sums; or per sample. */
export interface RegionFormula<O extends RegionOptions> {
  /** The names of the loss's own options. */
  options: readonly string[];
  /** Checks the loss's own options. */
  check(fn: string, options: O): void;
  /** Take the squared sums, in which the metric and the product form coincide. */
  squared?(options: O): boolean;
  /** The value is one per sample, [N,1], because the formula adds up classes. */
  acrossClasses?: true;
  /**
   * `weights` [N,C] is for formulas that add up classes: the class weights, 0 for the classes that do not count and for
   * those that cost what an absent class does.
   */
  value<M>(algebra: Algebra<M>, sums: RegionSums<M>, options: O, smooth: number, weights: M): M;
}

export function regionLoss<O extends RegionOptions>(
  fn: string,
  formula: RegionFormula<O>,
  labels: Tensor,
  predictions: Tensor,
  options: O,
): Tensor {
  return tf.tidy(() => lossOfTerm(regionTerm(fn, formula, labels, predictions, options)));
}

/** Inside tf.tidy. */
export function regionTerm<O extends RegionOptions>(
  fn: string,
  formula: RegionFormula<O>,
  labels: Tensor,
  predictions: Tensor,
  options: O,
): SumTerm {
  checkOptionNames(fn, options, [...REGION_OPTIONS, ...formula.options]);
  const inputs = resolveInputs(fn, labels, predictions, options);
  return passTerm(inputs, regionFormula(fn, formula, options, inputs.layout.classes));
}

/** The same loss of sums that are there already, say of merged ones. */
export function regionLossOfTable<O extends RegionOptions>(
  fn: string,
  formula: RegionFormula<O>,
  table: GivenTable,
  options: O,
): Tensor {
  checkOptionNames(fn, options, [...REGION_OPTIONS, ...formula.options]);
  const sums = regionFormula(fn, formula, options, tableClasses(fn, table));
  return tf.tidy(() => lossOfTable(readTable(fn, table, sums.sums), sums));
}

/** A region loss with every option resolved. */
interface Region {
  value<M>(algebra: Algebra<M>, table: SumsOf<M>, weights: M): M;
  acrossClasses: boolean;
  absent: Absent;
  aggregate: 'image' | 'batch';
  reduction: Reduction;
  classes: ClassWeights;
}

export function regionFormula<O extends RegionOptions>(
  fn: string,
  formula: RegionFormula<O>,
  options: O,
  classes: number,
): SumsFormula {
  const { aggregate = 'image', overlap = 'metric', smooth = 0, reduction = 'mean' } = options;
  const absent = resolveAbsent(fn, options, classes);
  checkOneOf(fn, 'aggregate', aggregate, ['image', 'batch']);
  checkOneOf(fn, 'overlap', overlap, ['metric', 'product']);
  checkOneOf(fn, 'reduction', reduction, REDUCTIONS);
  checkNumber(fn, 'smooth', smooth, { least: 0 });
  formula.check(fn, options);
  if (reduction === 'sample' && aggregate === 'batch') {
    fail(fn, `reduction 'sample' needs aggregate 'image', got 'batch', which has no value per sample`);
  }
  const squared = formula.squared?.(options) ?? false;
  const form = squared ? squaredForm : overlap === 'metric' ? metricForm : productForm;
  const acrossClasses = formula.acrossClasses ?? false;
  const region: Region = {
    value: (algebra, table, weights) =>
      formula.value(algebra, { ...form.of(algebra, table), valid: table.valid }, options, smooth, weights),
    acrossClasses,
    absent,
    aggregate,
    reduction,
    classes: resolveClasses(fn, options, classes),
  };
  return {
    // 'labelled' tells which classes are absent, 'predicted' what they cost.
    sums: [...form.sums, 'labelled', 'predicted'],
    of: (algebra, table) => reduceRegion(algebra, region, table),
    shape(samples) {
      if (reduction === 'none') return [aggregate === 'batch' ? 1 : samples, acrossClasses ? 1 : classes];
      return reduction === 'sample' ? [samples] : [];
    },
  };
}

type Absent = Required<RegionOptions>['absent'];

export function resolveAbsent(
  fn: string,
  { absent, activation }: Pick<RegionOptions, 'absent' | 'activation'>,
  classes: number,
): Absent {
  const resolved = absent ?? (classes > 1 && activation !== 'sigmoid' ? 'skip' : 'penalize');
  checkOneOf(fn, 'absent', resolved, ['skip', 'penalize', 'smooth']);
  return resolved;
}

interface Form {
  sums: readonly SumName[];
  of<M>(algebra: Algebra<M>, table: SumsOf<M>): Omit<RegionSums<M>, 'valid'>;
}

const productForm: Form = {
  sums: ['intersection', 'predicted', 'labelled'],
  of: (_, { intersection, predicted, labelled }) => ({ intersection, predicted, labelled }),
};

const metricForm: Form = {
  sums: ['predicted', 'labelled', 'minimum'],
  of: (_, { predicted, labelled, minimum }) => ({ intersection: minimum, predicted, labelled }),
};

const squaredForm: Form = {
  sums: ['intersection', 'predictedSquared', 'labelledSquared'],
  of: (_, { intersection, predictedSquared, labelledSquared }) => ({
    intersection,
    predicted: predictedSquared,
    labelled: labelledSquared,
  }),
};

function reduceRegion<M>(a: Algebra<M>, region: Region, images: SumsOf<M>): M {
  const { classes, reduction } = region;
  const table = region.aggregate === 'batch' ? sumOfSamples(a, images) : images;
  const weights = a.mul(countedClasses(a, region, table), a.row(classes.weights));
  const inFormula = region.absent === 'penalize' ? a.mul(weights, a.step(table.labelled)) : weights;
  const values = withAbsent(a, region, region.value(a, table, inFormula), table);
  return reduceClasses(a, values, weights, reduction, region.acrossClasses);
}

/**
 * Values per sample and class, with a weight for each (0 where a class does not count), to the result: [N,C] to any.
 * With `acrossClasses` a sample has one value, the mean over its classes, whatever the reduction.
 */
export function reduceClasses<M>(a: Algebra<M>, values: M, weights: M, reduction: Reduction, acrossClasses = false): M {
  const weighted = a.mul(values, weights);
  if (!acrossClasses) {
    if (reduction === 'none') return weighted;
    if (reduction === 'sum') return a.sumOfRows(a.sumOfColumns(weighted));
  }

  const total = a.sumOfColumns(weights);
  const samples = a.divide(a.sumOfColumns(weighted), total, 0);
  if (reduction === 'sample' || reduction === 'none') return samples;
  if (reduction === 'sum') return a.sumOfRows(samples);
  return a.divide(a.sumOfRows(samples), a.sumOfRows(a.step(total)), 0);
}

/** The table of the batch as one image. */
function sumOfSamples<M>(a: Algebra<M>, table: SumsOf<M>): SumsOf<M> {
  return Object.fromEntries(Object.entries(table).map(([name, sum]) => [name, a.sumOfRows(sum as M)])) as SumsOf<M>;
}

/** The values, with the mean predicted probability for absent classes if they are to be penalized. */
export function withAbsent<M>(
  a: Algebra<M>,
  { absent }: Pick<Region, 'absent'>,
  values: M,
  { predicted, labelled, valid }: Pick<SumsOf<M>, 'predicted' | 'labelled' | 'valid'>,
): M {
  if (absent !== 'penalize') return values;
  const present = a.step(labelled);
  const mean = a.divide(predicted, valid, 0);
  return a.add(a.mul(values, present), a.mul(mean, a.sub(1, present)));
}

/** 1 for the classes of each sample that count, else 0: [N,C]. */
export function countedClasses<M>(
  a: Algebra<M>,
  { absent, classes }: Pick<Region, 'absent' | 'classes'>,
  { labelled, valid }: Pick<SumsOf<M>, 'labelled' | 'valid'>,
): M {
  const inValid = a.mul(a.step(valid), a.row(classes.included));
  return absent === 'skip' ? a.mul(inValid, a.step(labelled)) : inValid;
}
