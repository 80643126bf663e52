/**
 * What the region losses share. A loss is a formula on the sums of `overlap`; everything else (which classes count, what
 * an absent class contributes, how values are reduced) happens here, once for all of them. N samples, C classes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { checkNumber, checkOneOf, checkOptionNames, fail } from '../checks.js';
import { SUM_NAMES, type SumName } from '../kernels/contract.js';
import { overlapTable, type OverlapOf } from '../overlap/overlap.js';
import { resolveProblem } from '../overlap/problem.js';
import { resolveClasses, type ClassWeights } from './classes.js';
import { divide } from './divide.js';
import { REDUCTIONS, REGION_OPTIONS, type Reduction, type RegionOptions } from './options.js';
import { checkTable, tableClasses } from './table.js';

/** I, P and T of the formulas, [N,C] each. */
export interface RegionSums {
  intersection: Tensor2D;
  predicted: Tensor2D;
  labelled: Tensor2D;
}

/** A loss per sample and class, from the sums. */
export interface RegionFormula<O extends RegionOptions> {
  /** The names of the loss's own options. */
  options: readonly string[];
  /** Checks the loss's own options. */
  check(fn: string, options: O): void;
  /** Take the squared sums, in which the metric and the product form coincide. */
  squared?(options: O): boolean;
  value(sums: RegionSums, options: O, smooth: number): Tensor2D;
}

export function regionLoss<O extends RegionOptions>(
  fn: string,
  formula: RegionFormula<O>,
  labels: Tensor,
  predictions: Tensor,
  options: O,
): Tensor {
  checkOptionNames(fn, options, [...REGION_OPTIONS, ...formula.options]);
  return tf.tidy(() => {
    const problem = resolveProblem(fn, labels, predictions, options);
    const region = resolveRegion(fn, formula, options, problem.layout.classes);
    return reduceRegion(region, overlapTable(problem, region.sums));
  });
}

/** The same loss of sums that are there already, say of merged ones. */
export function regionLossOfTable<O extends RegionOptions>(
  fn: string,
  formula: RegionFormula<O>,
  table: Partial<OverlapOf<SumName>>,
  options: O,
): Tensor {
  checkOptionNames(fn, options, [...REGION_OPTIONS, ...formula.options]);
  const region = resolveRegion(fn, formula, options, tableClasses(fn, table));
  checkTable(fn, table, region.sums);
  return tf.tidy(() => reduceRegion(region, table as OverlapOf<SumName>));
}

/** A region loss with every option resolved. */
export interface Region {
  sums: readonly SumName[];
  value(table: OverlapOf<SumName>): Tensor2D;
  absent: 'skip' | 'penalize' | 'smooth';
  aggregate: 'image' | 'batch';
  reduction: Reduction;
  classes: ClassWeights;
}

export function resolveRegion<O extends RegionOptions>(
  fn: string,
  formula: RegionFormula<O>,
  options: O,
  classes: number,
): Region {
  const { activation, aggregate = 'image', overlap = 'metric', smooth = 0, reduction = 'mean' } = options;
  const absent = options.absent ?? (classes > 1 && activation !== 'sigmoid' ? 'skip' : 'penalize');
  checkOneOf(fn, 'absent', absent, ['skip', 'penalize', 'smooth']);
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
  return {
    // 'labelled' tells which classes are absent, 'predicted' what they cost.
    sums: SUM_NAMES.filter((name) => name === 'labelled' || name === 'predicted' || form.sums.includes(name)),
    value: (table) => formula.value(form.of(table), options, smooth),
    absent,
    aggregate,
    reduction,
    classes: resolveClasses(fn, options, classes),
  };
}

interface Form {
  sums: readonly SumName[];
  of(table: OverlapOf<SumName>): RegionSums;
}

const productForm: Form = {
  sums: ['intersection', 'predicted', 'labelled'],
  of: ({ intersection, predicted, labelled }) => ({ intersection, predicted, labelled }),
};

const metricForm: Form = {
  sums: ['predicted', 'labelled', 'difference'],
  of: ({ predicted, labelled, difference }) => ({
    intersection: tf.div(tf.sub(tf.add(predicted, labelled), difference), 2),
    predicted,
    labelled,
  }),
};

const squaredForm: Form = {
  sums: ['intersection', 'predictedSquared', 'labelledSquared'],
  of: ({ intersection, predictedSquared, labelledSquared }) => ({
    intersection,
    predicted: predictedSquared,
    labelled: labelledSquared,
  }),
};

/** Call it inside tf.tidy. */
export function reduceRegion(region: Region, images: OverlapOf<SumName>): Tensor {
  const table = region.aggregate === 'batch' ? sumSamples(images, region.sums) : images;
  const values = withAbsent(region, region.value(table), table);
  const counted = countedClasses(region, table);
  const classWeights = tf.mul(counted, tf.tensor2d([region.classes.weights])) as Tensor2D;
  const weighted = tf.mul(values, classWeights);
  if (region.reduction === 'none') return weighted;
  if (region.reduction === 'sum') return tf.sum(weighted);

  const total = tf.sum(classWeights, 1) as Tensor1D;
  const samples = divide(tf.sum(weighted, 1) as Tensor1D, total, 0);
  if (region.reduction === 'sample') return samples;
  return divide(tf.sum(samples), tf.sum(tf.step(total)), 0);
}

/** The table of the batch as one image. */
function sumSamples(table: OverlapOf<SumName>, names: readonly SumName[]): OverlapOf<SumName> {
  const sums = [...names, 'valid' as const].map((name) => [name, tf.sum(table[name], 0, true)]);
  return Object.fromEntries(sums) as OverlapOf<SumName>;
}

/** The values, with the mean predicted probability for absent classes if they are to be penalized. */
function withAbsent(
  { absent }: Region,
  values: Tensor2D,
  { predicted, labelled, valid }: OverlapOf<SumName>,
): Tensor2D {
  if (absent !== 'penalize') return values;
  const present = tf.step(labelled);
  const mean = divide(predicted, tf.expandDims(valid, 1) as Tensor2D, 0);
  return tf.add(tf.mul(values, present), tf.mul(mean, tf.sub(1, present)));
}

/** 1 for the classes of each sample that count, else 0: [N,C]. */
function countedClasses({ absent, classes }: Region, { labelled, valid }: OverlapOf<SumName>): Tensor2D {
  const inValid = tf.mul(tf.expandDims(tf.step(valid), 1), tf.tensor2d([classes.takesPart])) as Tensor2D;
  return absent === 'skip' ? tf.mul(inValid, tf.step(labelled)) : inValid;
}
