/** The form in which kernels get a formula on the sums of a pass, or a gradient of it. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
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

export interface FormulaCall {
  program: FormulaProgram;
  /** The values of its numbers. */
  numbers: readonly number[];
  inputs: { sums: TensorInfo; dy?: TensorInfo; ddy?: TensorInfo };
  /** The shape of the result, which has the values of all outputs. */
  shape: readonly number[];
}

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
