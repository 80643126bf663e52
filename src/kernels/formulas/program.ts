/** The form in which kernels get a formula on the sums of a pass, or a gradient of it. */
import type { Tensor, Tensor3D, TensorInfo } from '@tensorflow/tfjs-core';
import type { Algebra } from '../../algebra/algebra.js';
import { keyOf, stepsOf, type Step } from '../../algebra/recorded.js';

/** N samples, C classes, S sums. The inputs are `sums` [S,N,C], `dy` and `ddy`, as far as steps read them. */
export interface FormulaProgram {
  /** The outputs, one after the other; null stands for zeros. */
  outputs: readonly (Step | null)[];
  /** All steps that outputs need, each after its arguments. */
  steps: readonly Step[];
  /** The dimensions of every output. */
  rows: boolean;
  columns: boolean;
  /** The dimensions of dy. */
  upstream: { rows: boolean; columns: boolean };
  /** A text that is the same for the same program. */
  key: string;
}

/** A formula on the sums of a pass by their names, which are matrices [N,C], and `valid`, [N,1]. */
export interface Formula {
  /** The shape of the loss. */
  shape(samples: number): number[];
  value<M>(algebra: Algebra<M>, table: Record<string, M>): M;
}

/** The facts that give an array [S,N,C] of sums its meaning. */
export interface SumsRead {
  names: readonly string[];
  /** The number that 1 in the array stands for. */
  unit: number;
  /** The number of pixels of each sample if all count as 1 and 'valid' is not among the sums; else null. */
  pixels: number | null;
}

/** The programs of a formula. Each is made when it is first needed. */
export interface FormulaPrograms {
  /** The loss. */
  value(): FormulaProgram;
  /** Its gradient with respect to the sums, given dy. */
  gradient(): FormulaProgram;
  /** The gradients of the gradient, given ddy: with respect to the sums, and to dy. */
  gradientsOfGradient(): readonly [toSums: FormulaProgram, toDy: FormulaProgram];
}

export interface RecordedFormula {
  programs: FormulaPrograms;
  /** The values of the numbers in the programs. */
  numbers: readonly number[];
}

export interface FormulaCall {
  program: FormulaProgram;
  /** The values of its numbers. */
  numbers: readonly number[];
  inputs: { sums: TensorInfo; dy?: TensorInfo; ddy?: TensorInfo };
  /** The shape of the result, which has the values of all outputs. */
  shape: readonly number[];
}

/**
 * The loss of a formula on the sums [S,N,C], differentiable to any order; null if the programs cannot run. `inOps`
 * computes the same in tfjs's ops.
 */
export type LossInPrograms = (
  sums: Tensor3D,
  formula: Formula,
  read: SumsRead,
  inOps: (sums: Tensor3D) => Tensor,
) => Tensor | null;

/** The programs of one backend. */
export interface FormulaRunner {
  /** False if the backend cannot run the program for so many samples and classes. */
  takes(program: FormulaProgram, samples: number, classes: number): boolean;
  run(call: FormulaCall): TensorInfo;
}

export function formulaProgram(
  outputs: readonly (Step | null)[],
  { rows, columns }: { rows: boolean; columns: boolean },
  upstream: FormulaProgram['upstream'],
): FormulaProgram {
  const steps = stepsOf(outputs);
  const at = outputs.map((output) => (output ? steps.indexOf(output) : '-'));
  const flags = [rows, columns, upstream.rows, upstream.columns].map(Number);
  return { outputs, steps, rows, columns, upstream, key: `${keyOf(steps)};${at.join(' ')};${flags.join('')}` };
}

/** The tensors that the steps read. */
export function tensorsRead({ steps }: FormulaProgram): (keyof FormulaCall['inputs'])[] {
  const names = new Set(steps.filter(({ op }) => op === 'input').map(({ name }) => name));
  return (['sums', 'dy', 'ddy'] as const).filter((name) => names.has(name));
}
