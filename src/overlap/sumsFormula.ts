/**
 * Losses as formulas on the sums of a pass. A pass over the pixels reads labels and predictions once and gives sums for
 * each sample and class. A `SumsFormula` computes a loss from them: in plain numbers where reading the sums back costs
 * nothing, else in tfjs ops. N samples, C classes, S sums.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import type { Algebra } from '../algebra/algebra.js';
import { numberAlgebra } from '../algebra/numbers.js';
import { tensorAlgebra } from '../algebra/tensors.js';
import { checksAnyValues, releasingTape, type Values } from '../checkValues.js';
import { sumSet, type EntropyTerm, type PassSum, type SumName, type SumSet } from '../kernels/contract.js';
import { nestedGrads } from '../ops/nestedGrads.js';
import { currentKernels } from '../kernels/select.js';
import { unstackSums } from '../ops/unstackSums.js';
import { withGradient } from '../ops/withGradient.js';
import type { OverlapOf } from './overlap.js';
import { passAttributes, plainEntropy, type LossInputs } from './inputs.js';
import { checkSums } from './sumChecks.js';

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
  /** Gives the sums of a pass of its own, if the term cannot use the common pass. Call it inside tf.tidy. */
  ownSums?: (inputs: LossInputs) => PassSums;
}

/** The loss Σ weight·formula(sums), with a pass for each term (mergeTerms makes them few). Call it inside tf.tidy. */
export function lossOfTerms(inputs: LossInputs, terms: readonly SumTerm[]): Tensor {
  return addUp(terms.map((term) => weighted(lossOfPass(sumsOfTerm(inputs, term), term.formula), term)));
}

/** The sum of values of the same shape. A single value is returned as it is, without an op. */
export const addUp = (values: readonly Tensor[]): Tensor => (values.length === 1 ? values[0]! : tf.addN([...values]));

const weighted = (loss: Tensor, { weight }: SumTerm): Tensor => (weight === 1 ? loss : tf.mul(loss, weight));

/** The sums that a term needs, from a pass. Call it inside tf.tidy. */
export function sumsOfTerm(inputs: LossInputs, { formula, entropy, ownSums }: SumTerm): PassSums {
  return ownSums ? ownSums(inputs) : passSums(inputs, formula, entropy);
}

/** The loss of a formula, with the sums of a common pass. Call it inside tf.tidy. */
export function lossOfSums(inputs: LossInputs, formula: SumsFormula): Tensor {
  return lossOfPass(passSums(inputs, formula), formula);
}

/** The sums that a formula needs, from a common pass. Call it inside tf.tidy. */
function passSums(inputs: LossInputs, { sums }: SumsFormula, entropy: EntropyTerm = plainEntropy(inputs)): PassSums {
  const { weights, layout, fn } = inputs;
  const names = sumSet<PassSum>(weights ? [...sums, 'valid'] : sums);
  const values = currentKernels().sums(inputs, passAttributes(inputs, entropy), names);
  return { values, names, pixels: weights ? null : layout.pixels, fn };
}

/** The loss of a formula on the sums of a pass. Call it inside tf.tidy. */
export function lossOfPass({ values, ...known }: PassSums, formula: SumsFormula): Tensor {
  return currentKernels().readsAtOnce ? lossAtOnce(values, formula, known) : lossInOps(values, formula, known);
}

/** The loss of a formula on a table of sums that `overlap` or the user made. */
export function lossOfTable(table: OverlapOf<never> & Partial<OverlapOf<SumName>>, formula: SumsFormula): Tensor {
  return tf.tidy(() => {
    const matrices = { ...table, valid: tf.expandDims<Tensor2D>(table.valid, 1) } as SumsOf<Tensor2D>;
    return tf.reshape(formula.value(tensorAlgebra, matrices), formula.shape(table.valid.shape[0]));
  });
}

/** The facts that give an array [S,N,C] of sums its meaning. */
interface Known {
  names: SumSet;
  /** The number of pixels of each sample if all count as 1 and 'valid' is not among the sums; else null. */
  pixels: number | null;
  /** The function to name if the sums are impossible for labels and probabilities in [0, 1]; null to allow any sums. */
  fn: string | null;
}

/** The loss in tfjs ops. */
function lossInOps(sums: Tensor3D, formula: SumsFormula, { names, pixels }: Known): Tensor {
  const [, samples] = sums.shape;
  const table = Object.fromEntries(unstackSums(sums).map((sum, i) => [names[i], sum])) as SumsOf<Tensor2D>;
  const valid = pixels === null ? firstColumn(table.valid) : tf.fill<tf.Rank.R2>([samples, 1], pixels);
  return tf.reshape(formula.value(tensorAlgebra, { ...table, valid }), formula.shape(samples));
}

const firstColumn = (x: Tensor2D): Tensor2D => tf.slice2d(x, [0, 0], [x.shape[0], 1]);

/**
 * The loss in plain numbers, which saves some twenty tfjs ops, and as many in the gradient. The gradient of the
 * gradient is taken in ops.
 */
function lossAtOnce(sums: Tensor3D, formula: SumsFormula, known: Known): Tensor {
  return withGradient(
    sums,
    (x) => {
      const values = x.dataSync();
      checkKnownSums(values, x.shape, known);
      const { result } = lossInNumbers(values, x.shape, formula, known);
      return { value: tf.tensor(Float32Array.from(result.values), formula.shape(x.shape[1])), saved: [x] };
    },
    (dy, [x]) => gradientAtOnce(x, dy, formula, known),
  );
}

declare const SOFTSEG_VALUE_CHECKS: string | undefined;

function checkKnownSums(values: Values, shape: Tensor3D['shape'], { fn, names, pixels }: Known): void {
  if (typeof SOFTSEG_VALUE_CHECKS !== 'undefined' && SOFTSEG_VALUE_CHECKS === 'never') return;
  if (fn !== null && checksAnyValues())
    releasingTape(() => inFunction(fn, () => checkSums(values, names, shape, pixels)));
}

function gradientAtOnce(sums: Tensor3D, dy: Tensor, formula: SumsFormula, known: Known): Tensor3D {
  return withGradient(
    [sums, dy],
    (x, upstream) => {
      const { gradient } = lossInNumbers(x.dataSync(), x.shape, formula, known);
      return { value: tf.tensor3d(gradient(upstream.dataSync()), x.shape), saved: [x, upstream] };
    },
    (ddy, saved) => {
      const lossOf = (s: Tensor) => lossInOps(s as Tensor3D, formula, known);
      const [toSums, toDy] = nestedGrads((s, d) => nestedGrads(lossOf, [s!], d!)[0]!, [...saved], ddy);
      return [toSums!, toDy!];
    },
  );
}

function lossInNumbers(
  values: Values,
  [, samples, classes]: Tensor3D['shape'],
  formula: SumsFormula,
  { names, pixels }: Known,
) {
  const size = samples * classes;
  const algebra = numberAlgebra();
  const rows = names.map((_, i) => values.subarray(i * size, (i + 1) * size));
  const matrices = names.map((name, i) =>
    name === 'valid'
      ? algebra.matrix(
          samples,
          1,
          Float64Array.from({ length: samples }, (_, n) => rows[i]![n * classes]!),
        )
      : algebra.matrix(samples, classes, rows[i]!),
  );
  const table = Object.fromEntries(names.map((name, i) => [name, matrices[i]])) as SumsOf<(typeof matrices)[number]>;
  if (pixels !== null) table.valid = algebra.matrix(samples, 1, new Float64Array(samples).fill(pixels));
  const result = formula.value(algebra, table);
  /** The gradient with respect to the sums. No gradient flows to weights: that of 'valid' stays 0. */
  const gradient = (dy: ArrayLike<number>): Float32Array => {
    algebra.backpropagate(result, dy);
    const all = new Float32Array(values.length);
    names.forEach((name, i) => name !== 'valid' && all.set(matrices[i]!.gradient, i * size));
    return all;
  };
  return { result, gradient };
}
