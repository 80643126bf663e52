/**
 * Losses as formulas on the sums of a pass. A pass over the pixels reads labels and predictions once and gives sums for
 * each sample and class. A `SumsFormula` computes a loss from them: see lossOfSums.ts. N samples, C classes, S sums.
 */
import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { Algebra } from '../algebra/algebra.js';
import type { EntropyTerm, SumName, SumSet } from '../kernels/contract.js';
import type { SumsRead } from '../kernels/formulas/program.js';

/** The named sums as matrices [N,C], and `valid` [N,1]. */
export type SumsOf<M, S extends SumName = SumName> = Record<S | 'valid', M>;

/** A loss as a formula on the sums. */
export interface SumsFormula<S extends SumName = SumName> {
  /** The sums that it needs. The table has these, and `valid`. */
  sums: readonly S[];
  /** The values of the loss, written for any algebra. */
  value<M>(algebra: Algebra<M>, table: SumsOf<M, S>): M;
  /** The shape of the result, which has as many values as `value` gives. */
  shape(samples: number): number[];
}

/** The sums of a pass. */
export interface PassSums extends Known {
  /** The sums [S,N,C]. */
  values: Tensor3D;
}

/**
 * A loss, or a part of one, that depends on sums only, so that sums of pieces can be added up: weight·formula(sums).
 */
export interface SumTerm {
  weight: number;
  formula: SumsFormula;
  /** The cross-entropy that its pass sums up. Default: the plain one. */
  entropy?: EntropyTerm;
}

/** The facts that give an array [S,N,C] of sums its meaning. */
export interface Known extends SumsRead {
  names: SumSet;
  /** The function to name if the sums are impossible for labels and probabilities in [0, 1]; null to allow any sums. */
  fn: string | null;
}
