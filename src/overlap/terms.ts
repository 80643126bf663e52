/**
 * Losses that know the pixels through sums alone, so that the added sums of pieces (tiles, micro-batches) stand for those
 * of the whole.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { EntropyTerm } from '../kernels/contract.js';
import { lossOfPass, passSums, type Head, type PassSums } from './sumsFormula.js';
import type { LossInputs } from './inputs.js';

/** weight·head(sums). */
export interface SumTerm {
  weight: number;
  head: Head;
  /** Inside tf.tidy. */
  sums(): PassSums;
}

/** A term on the sums of the common pass. */
export function passTerm(inputs: LossInputs, head: Head, entropy?: EntropyTerm, weight = 1): SumTerm {
  return { weight, head, sums: () => passSums(inputs, head, entropy) };
}

/** Inside tf.tidy. */
export function lossOfTerm({ weight, head, sums }: SumTerm): Tensor {
  const loss = lossOfPass(sums(), head);
  return weight === 1 ? loss : tf.mul(loss, weight);
}
