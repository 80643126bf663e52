/** Runs recorded programs in float64. */
import { STEEPEST } from '../../src/algebra/algebra.js';
import type { Step } from '../../src/algebra/recorded.js';
import type { FormulaProgram } from '../../src/kernels/formulas/program.js';
import { SMALLEST_DENOMINATOR } from '../../src/ops/ratio.js';

export interface Inputs {
  samples: number;
  classes: number;
  numbers: readonly number[];
  sums: ArrayLike<number>;
  dy?: ArrayLike<number>;
  ddy?: ArrayLike<number>;
}

/** The values of all outputs, one after the other. */
export function interpret(program: FormulaProgram, inputs: Inputs): Float64Array {
  const { samples, classes } = inputs;
  const values = new Map<Step, Float64Array>();
  const at = (step: Step, n: number, c: number) =>
    values.get(step)![(step.rows ? n : 0) * (step.columns ? classes : 1) + (step.columns ? c : 0)]!;
  for (const step of program.steps) {
    const [rows, columns] = sizeOf(step, inputs);
    const own = new Float64Array(rows * columns);
    values.set(step, own);
    for (let n = 0; n < rows; n++)
      for (let c = 0; c < columns; c++) own[n * columns + c] = valueOf(step, program, inputs, at, n, c);
  }
  const [rows, columns] = sizeOf(program, inputs);
  return Float64Array.from(
    program.outputs.flatMap((output) =>
      Array.from({ length: rows * columns }, (_, i) => (output ? at(output, Math.floor(i / columns), i % columns) : 0)),
    ),
  );

  function valueOf(...[step, { upstream }, given, of, n, c]: ValueArgs): number {
    const { op, args, parameter = 0, name } = step;
    const [a, b] = args.map((x) => of(x, n, c)) as [number, number];
    if (op === 'sumOfRows') return sum(samples, (row) => of(args[0]!, row, c));
    if (op === 'sumOfColumns') return sum(classes, (column) => of(args[0]!, n, column));
    if (op === 'input') {
      const tensor = given[name as 'sums' | 'dy' | 'ddy']!;
      return name === 'dy'
        ? tensor[n * (upstream.columns ? classes : 1) + c]!
        : tensor[(parameter * samples + n) * classes + c]!;
    }
    switch (op) {
      case 'number':
        return given.numbers[parameter]!;
      case 'constant':
        return parameter;
      case 'row':
        return step.values![c]!;
      case 'add':
        return a + b;
      case 'sub':
        return a - b;
      case 'mul':
        return a * b;
      case 'divide':
        return b <= 0 ? parameter : a / b;
      case 'guardedDivide':
        return b <= 0 ? 0 : a / Math.max(b, SMALLEST_DENOMINATOR);
      case 'power':
        return Math.max(a, parameter < 0 ? STEEPEST : 0) ** parameter;
      case 'log':
        return a < STEEPEST ? Math.log(STEEPEST) + (a - STEEPEST) / STEEPEST : Math.log(a);
      case 'atLeast':
        return Math.max(a, parameter);
      case 'logCosh':
        return Math.log1p(2 * Math.sinh(a / 2) ** 2);
      case 'tanh':
        return Math.tanh(a);
      case 'step':
        return a > 0 ? 1 : a <= 0 ? 0 : NaN;
    }
  }
}

type ValueArgs = [
  step: Step,
  program: FormulaProgram,
  inputs: Inputs,
  of: (step: Step, n: number, c: number) => number,
  n: number,
  c: number,
];

const sum = (count: number, of: (i: number) => number): number =>
  Array.from({ length: count }, (_, i) => of(i)).reduce((total, value) => total + value, 0);

const sizeOf = ({ rows, columns }: { rows: boolean; columns: boolean }, { samples, classes }: Inputs) =>
  [rows ? samples : 1, columns ? classes : 1] as const;
