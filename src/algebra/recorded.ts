/**
 * The algebra that records: a formula computed once with symbols gives steps, from which a GPU's program for the
 * formula is written, and steps for its gradients of any order. Matrices are [N,C], [N,1], [1,C] or [1,1], with a row
 * for each sample and a column for each class.
 */
import { STEEPEST, type Algebra } from './algebra.js';

type StepOp =
  | 'input'
  | 'number'
  | 'constant'
  | 'row'
  | 'add'
  | 'sub'
  | 'mul'
  | 'divide'
  | 'guardedDivide'
  | 'power'
  | 'log'
  | 'atLeast'
  | 'logCosh'
  | 'tanh'
  | 'step'
  | 'sumOfRows'
  | 'sumOfColumns';

/** One operation. Its arguments broadcast as tensors do. */
export interface Step {
  op: StepOp;
  args: readonly Step[];
  /** True if it has a row for each sample; otherwise it has one row. */
  rows: boolean;
  /** True if it has a column for each class; otherwise it has one column. */
  columns: boolean;
  /** The name of the tensor that an input is read from. */
  name?: string;
  /** The values of a row. */
  values?: readonly number[];
  /**
   * The value of a constant, the exponent of a power, the least value of atLeast, the value of divide for a denominator
   * of 0, the index of a number in `Recorder.numbers`, or that of an input among the matrices of its tensor.
   */
  parameter?: number;
}

export interface Recorder extends Algebra<Step> {
  /** All steps, each after its arguments. */
  steps: readonly Step[];
  /** The numbers in the formula, which are no part of a program: programs that differ only in them are the same. */
  numbers: readonly number[];
  /** A matrix of a tensor. */
  input(name: string, index: number, rows: boolean, columns: boolean): Step;
  /** A number, as a column if it has a row for each sample. */
  number(value: number, rows?: boolean): Step;
  /** The gradients of Σ seed·step with respect to the inputs; null for an input that no step depends on. */
  gradients(seeds: readonly (readonly [step: Step, seed: Step])[], inputs: readonly Step[]): (Step | null)[];
}

type Dimensions = Pick<Step, 'rows' | 'columns'>;

export function recorder(): Recorder {
  const steps: Step[] = [];
  const numbers: number[] = [];
  const push = (step: Step): Step => {
    steps.push(step);
    return step;
  };
  const number = (value: number, rows = false): Step =>
    push({ op: 'number', args: [], rows, columns: false, parameter: numbers.push(value) - 1 });
  const constant = (value: number): Step =>
    push({ op: 'constant', args: [], rows: false, columns: false, parameter: value });
  const of = (op: StepOp, args: readonly (Step | number)[], parameter?: number): Step => {
    const all = args.map((x) => (typeof x === 'number' ? number(x) : x));
    const rows = all.some((x) => x.rows);
    const columns = all.some((x) => x.columns);
    return push({ op, args: all, rows, columns, ...(parameter !== undefined && { parameter }) });
  };
  /** A sum of N rows, even if x is the same for all of them. */
  const overRows = (x: Step) => push({ op: 'sumOfRows', args: [x], rows: false, columns: x.columns });
  const overColumns = (x: Step) => push({ op: 'sumOfColumns', args: [x], rows: x.rows, columns: false });

  const algebra: Algebra<Step> = {
    row: (values) => push({ op: 'row', args: [], values, rows: false, columns: true }),
    add: (a, b) => of('add', [a, b]),
    sub: (a, b) => of('sub', [a, b]),
    mul: (a, b) => of('mul', [a, b]),
    divide: (a, b, otherwise) => of('divide', [a, b], otherwise),
    power: (x, exponent) => of('power', [x], exponent),
    log: (x) => of('log', [x]),
    logCosh: (x) => of('logCosh', [x]),
    step: (x) => of('step', [x]),
    sumOfRows: (x) => (x.rows ? overRows(x) : x),
    sumOfColumns: (x) => (x.columns ? overColumns(x) : x),
  };

  /** The gradient with respect to each argument of a step, given that with respect to the step. */
  const slopes = ({ op, args, parameter = 0 }: Step, g: Step): readonly (() => Step)[] => {
    const [x, y] = args as [Step, Step];
    const minus = (value: Step) => of('mul', [value, constant(-1)]);
    switch (op) {
      case 'add':
        return [() => g, () => g];
      case 'sub':
        return [() => g, () => minus(g)];
      case 'mul':
        return [() => of('mul', [g, y]), () => of('mul', [g, x])];
      case 'divide':
      case 'guardedDivide': {
        const perUnit = () => of('guardedDivide', [g, y]);
        return [perUnit, () => minus(of('mul', [perUnit(), of('guardedDivide', [x, y])]))];
      }
      case 'power': {
        const slope = () => of('mul', [g, of('mul', [of('power', [x], parameter - 1), constant(parameter)])]);
        // A negative power is that of max(x, STEEPEST).
        return [parameter >= 0 ? slope : () => of('mul', [slope(), stepAbove(x, STEEPEST)])];
      }
      case 'log':
        return [() => of('guardedDivide', [g, of('atLeast', [x], STEEPEST)])];
      case 'atLeast':
        return [() => of('mul', [g, stepAbove(x, parameter)])];
      case 'logCosh':
        return [() => of('mul', [g, of('tanh', [x])])];
      case 'tanh': {
        const tanh = of('tanh', [x]);
        return [() => of('mul', [g, of('sub', [constant(1), of('mul', [tanh, tanh])])])];
      }
      case 'sumOfRows':
      case 'sumOfColumns':
        return [() => g];
      default:
        return [];
    }
  };
  const stepAbove = (x: Step, least: number): Step => of('step', [of('sub', [x, constant(least)])]);

  const gradients: Recorder['gradients'] = (seeds, inputs) => {
    const forward = steps.slice();
    const matters = new Set(inputs);
    for (const step of forward) if (step.op !== 'step' && step.args.some((x) => matters.has(x))) matters.add(step);
    const found = new Map<Step, Step>();
    /** Adds g, which broadcasts to the dimensions `from`, to the gradient of x. */
    const give = (x: Step, from: Dimensions, g: Step) => {
      if (from.columns && !x.columns) g = overColumns(g);
      if (from.rows && !x.rows) g = overRows(g);
      const before = found.get(x);
      found.set(x, before ? of('add', [before, g]) : g);
    };
    for (const [step, seed] of seeds) if (matters.has(step)) give(step, seed, seed);
    for (const step of forward.reverse()) {
      const g = found.get(step);
      if (!g || !matters.has(step)) continue;
      // A sum takes a value from each row, or column, of its argument.
      const from = {
        rows: step.rows || step.op === 'sumOfRows',
        columns: step.columns || step.op === 'sumOfColumns',
      };
      slopes(step, g).forEach((slope, i) => {
        const x = step.args[i]!;
        if (matters.has(x)) give(x, from, slope());
      });
    }
    return inputs.map((input) => found.get(input) ?? null);
  };

  return {
    ...algebra,
    steps,
    numbers,
    number,
    gradients,
    input: (name, index, rows, columns) => push({ op: 'input', args: [], name, parameter: index, rows, columns }),
  };
}

/** The outputs and all steps they are computed from, each after its arguments. At a step that stops, no further. */
export function stepsOf(outputs: readonly (Step | null)[], stops: (step: Step) => boolean = () => false): Step[] {
  const seen = new Set<Step>();
  const visit = (step: Step): void => {
    if (seen.has(step)) return;
    if (!stops(step)) step.args.forEach(visit);
    seen.add(step);
  };
  for (const output of outputs) if (output) visit(output);
  return [...seen];
}

/** A text that is the same for the same steps, whatever their numbers are. */
export function keyOf(steps: readonly Step[]): string {
  const at = new Map(steps.map((step, i) => [step, i]));
  return steps
    .map(({ op, args, name, rows, columns, parameter, values }) => {
      const own = op === 'number' ? undefined : parameter;
      return [op, ...args.map((x) => at.get(x)), name, own, values, rows && 'rows', columns && 'columns']
        .filter((part) => part !== undefined && part !== false)
        .join(' ');
    })
    .join(';');
}
