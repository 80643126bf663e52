/**
 * Losses that know the pixels through sums alone, so that the added sums of pieces (tiles, micro-batches) stand for those
 * of the whole.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { EntropyTerm } from '../kernels/contract.js';
import { lossOfPass, passSums, type SumsFormula, type PassSums } from './sumsFormula.js';
import type { LossInputs } from './inputs.js';

/** weight·formula(sums). */
export interface SumTerm {
  weight: number;
  formula: SumsFormula;
  /** Inside tf.tidy. */
  sums(): PassSums;
}

/** A term on the sums of the common pass. */
export function passTerm(inputs: LossInputs, formula: SumsFormula, entropy?: EntropyTerm, weight = 1): SumTerm {
  return { weight, formula, sums: () => passSums(inputs, formula, entropy) };
}

/** Inside tf.tidy. */
export function lossOfTerm({ weight, formula, sums }: SumTerm): Tensor {
  const loss = lossOfPass(sums(), formula);
  return weight === 1 ? loss : tf.mul(loss, weight);
}
