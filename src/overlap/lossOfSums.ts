/**
 * The loss of a formula on sums: in plain numbers where reading the sums back costs nothing, as programs where a GPU
 * runs them, else in tfjs ops.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { tensorAlgebra } from '../algebra/tensors.js';
import { sumSet, type PassSum, type SumName } from '../kernels/contract.js';
import { currentKernels } from '../kernels/select.js';
import { passAttributes, plainEntropy, type LossInputs } from './inputs.js';
import { lossAtOnce } from './lossAtOnce.js';
import { lossInOps } from './lossInOps.js';
import type { OverlapOf } from './overlap.js';
import type { PassSums, SumsFormula, SumsOf, SumTerm } from './sumsFormula.js';

/** The loss Σ weight·formula(sums), with a pass for each term (mergeTerms makes them few). Call it inside tf.tidy. */
export function lossOfTerms(inputs: LossInputs, terms: readonly SumTerm[]): Tensor {
  return addUp(terms.map((term) => weighted(lossOfPass(sumsOfTerm(inputs, term), term.formula), term)));
}

/** The sum of values of the same shape. A single value is returned as it is, without an op. */
export const addUp = (values: readonly Tensor[]): Tensor => (values.length === 1 ? values[0]! : tf.addN([...values]));

const weighted = (loss: Tensor, { weight }: SumTerm): Tensor => (weight === 1 ? loss : tf.mul(loss, weight));

/** The sums that a term needs, from a pass. Call it inside tf.tidy. */
export function sumsOfTerm(
  inputs: LossInputs,
  { formula, entropy = plainEntropy(inputs) }: Pick<SumTerm, 'formula' | 'entropy'>,
): PassSums {
  const { weights, layout, fn } = inputs;
  const names = sumSet<PassSum>(weights ? [...formula.sums, 'valid'] : formula.sums);
  const { values, unit } = currentKernels().sumsInUnits(inputs, passAttributes(inputs, entropy), names);
  return { values, unit, names, pixels: weights ? null : layout.pixels, fn };
}

/** The loss of a formula, with the sums of a common pass. Call it inside tf.tidy. */
export function lossOfSums(inputs: LossInputs, formula: SumsFormula): Tensor {
  return lossOfPass(sumsOfTerm(inputs, { formula }), formula);
}

/** The loss of a formula on the sums of a pass. Call it inside tf.tidy. */
export function lossOfPass({ values, ...known }: PassSums, formula: SumsFormula): Tensor {
  const { readsAtOnce, formulas } = currentKernels();
  if (readsAtOnce) return lossAtOnce(values, formula, known);
  const inOps = (sums: Tensor3D) => lossInOps(sums, formula, known);
  return formulas?.(values, formula, known, inOps) ?? inOps(values);
}

/** The loss of a formula on a table of sums that `overlap` or the user made. */
export function lossOfTable(table: OverlapOf<never> & Partial<OverlapOf<SumName>>, formula: SumsFormula): Tensor {
  return tf.tidy(() => {
    const matrices = { ...table, valid: tf.expandDims<Tensor2D>(table.valid, 1) } as SumsOf<Tensor2D>;
    return tf.reshape(formula.value(tensorAlgebra, matrices), formula.shape(table.valid.shape[0]));
  });
}
