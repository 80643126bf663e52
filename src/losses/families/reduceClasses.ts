/**
 * Reduces the values of classes to the result: which classes count, and how much an absent class costs. A class is
 * absent from a sample in which it has no label. N samples, C classes.
 */
import type { Algebra } from '../../algebra/algebra.js';
import { checkOneOf } from '../../checks.js';
import type { SumsOf } from '../../overlap/sumsFormula.js';
import type { ClassWeights } from './classes.js';
import { ABSENT_RULE, type Reduction, type RegionOptions } from './options.js';

/** How an absent class contributes. */
export type Absent = Required<RegionOptions>['absent'];

export function resolveAbsent(
  { absent, activation }: Pick<RegionOptions, 'absent' | 'activation'>,
  classes: number,
): Absent {
  const resolved = absent ?? (classes > 1 && activation !== 'sigmoid' ? 'skip' : 'penalize');
  checkOneOf('absent', resolved, ABSENT_RULE.values);
  return resolved;
}

/**
 * Reduces values [N,C], with a weight for each (0 where a class does not count), to the result. With `acrossClasses`
 * the classes of a sample are reduced to their mean for every reduction.
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

/** The values, with those of absent classes replaced by the mean predicted probability under `'penalize'`. */
export function withAbsent<M>(
  a: Algebra<M>,
  absent: Absent,
  values: M,
  { predicted, labelled, valid }: Pick<SumsOf<M>, 'predicted' | 'labelled' | 'valid'>,
): M {
  if (absent !== 'penalize') return values;
  const present = a.step(labelled);
  const mean = a.divide(predicted, valid, 0);
  return a.add(a.mul(values, present), a.mul(mean, a.sub(1, present)));
}

/** For each sample and class 1 if the class counts, else 0: [N,C]. */
export function countedClasses<M>(
  a: Algebra<M>,
  absent: Absent,
  { included }: ClassWeights,
  { labelled, valid }: Pick<SumsOf<M>, 'labelled' | 'valid'>,
): M {
  const inValid = a.mul(a.step(valid), a.row(included));
  return absent === 'skip' ? a.mul(inValid, a.step(labelled)) : inValid;
}
