/**
 * GLSL code for a formula on sums. Each texel of the result computes all that it needs; a sum over samples or classes
 * is a function.
 */
import { STEEPEST } from '../../algebra/algebra.js';
import { stepsOf, type Step } from '../../algebra/recorded.js';
import { SMALLEST_DENOMINATOR } from '../../ops/ratio.js';
import { expression, isSum, isVaried, type Language } from '../formulas/expressions.js';
import type { FormulaProgram } from '../formulas/program.js';
import { arithmeticCode } from './arithmetic.js';

const FUNCTIONS = /* glsl */ `
const float STEEPEST = ${STEEPEST};
const float SMALLEST_NORMAL = 1.1754944e-38;

// A comparison with NaN is false, so these keep it.
float divided(float a, float b, float otherwise) { return b < SMALLEST_NORMAL ? otherwise : a / b; }
float guardedDivided(float a, float b) {
  return b < SMALLEST_NORMAL ? 0.0 : a / atLeast(b, ${SMALLEST_DENOMINATOR});
}
float stepOf(float x) { return x > 0.0 ? 1.0 : x <= 0.0 ? 0.0 : x; }
float logFrom(float x) { return logOf(atLeast(x, STEEPEST)) + atMost(x - STEEPEST, 0.0) / STEEPEST; }
float powerOf(float x, float e) { return x > 0.0 ? pow(x, e) : x <= 0.0 ? (e == 0.0 ? 1.0 : 0.0) : x; }
float logCosh(float x) {
  float e = exp(-abs(x));
  float lessOne = (1.0 - e) * (1.0 - e) / (2.0 * e); // cosh(x) - 1
  return abs(x) < 1.0 ? logOfOnePlus(lessOne) : abs(x) + logOfOnePlus(e * e) - 0.69314718;
}
float tanhOf(float x) {
  float e = exp(-2.0 * abs(x));
  return sign(x) * (1.0 - e) / (1.0 + e) + (x - x);
}
`;

const literal = (x: number): string => (Number.isInteger(x) && Math.abs(x) < 1e9 ? `${x}.0` : `float(${x})`);

/** The code; with `half`, results are stored in float16. */
export function formulaCode(program: FormulaProgram, classes: number, half: boolean): string {
  const { outputs, steps, rows, columns, upstream } = program;
  const id = new Map(steps.map((step, i) => [step, i]));
  const name = (step: Step) => `v${id.get(step)}`;
  const language: Language = { literal, read: (step) => reading(step, id.get(step)!, upstream.columns) };
  const line = (step: Step) => `float ${name(step)} = ${expression(step, step.args.map(name), language)};`;
  const lines = (some: readonly Step[]) => some.map(line).join('\n  ');

  const sums = steps.filter(isSum).map((sum) => {
    const overColumns = sum.op === 'sumOfColumns';
    const [inner, index, length] = overColumns
      ? (['columns', 'c', 'CLASSES'] as const)
      : (['rows', 'n', 'samples'] as const);
    const needed = stepsOf(sum.args, isSum);
    return /* glsl */ `
float s${id.get(sum)}(${sum.rows ? 'int n' : sum.columns ? 'int c' : ''}) {
  float total = 0.0;
  ${lines(needed.filter((step) => !step[inner]))}
  for (int ${index} = 0; ${index} < ${length}; ${index}++) {
  ${lines(needed.filter((step) => step[inner]))}
  total += ${name(sum.args[0]!)};
  }
  return total;
}`;
  });
  const functions = outputs.map((output, i) => {
    const value = output ? `${lines(stepsOf([output], isSum))}\n  return ${name(output)};` : 'return 0.0;';
    return `float output${i}(int n, int c) {\n  ${value}\n}`;
  });
  const rowLists = steps.filter(isVaried).map((row) => {
    const list = row.values!.map(literal).join(', ');
    return `const float row${id.get(row)}[${classes}] = float[${classes}](${list});`;
  });
  return /* glsl */ `${arithmeticCode(half)}${FUNCTIONS}
const int CLASSES = ${classes};
${[...rowLists, ...sums, ...functions].join('\n')}

void main() {
  int index = getOutputCoords();
  int c = ${columns ? 'index % CLASSES' : '0'};
  int row = ${columns ? 'index / CLASSES' : 'index'};
  int n = ${rows ? 'row % samples' : '0'};
  int i = ${rows ? 'row / samples' : 'row'};
  float result = 0.0;
  ${outputs.map((_, i) => `if (i == ${i}) { result = output${i}(n, c); }`).join('\n  ')}
  setOutput(written(result));
}
`;
}

interface Cost {
  run: number;
  code: number;
}

/**
 * The steps that a texel of the result computes at most, and those in the code with all calls of sums expanded, as
 * compilers do. A sum of sums of sums is computed again for each value that is added up.
 */
export function costOf({ outputs }: FormulaProgram, samples: number, classes: number): Cost {
  const known = new Map<Step, Cost>();
  /** `length` is the number of times that steps along the inner axis run. */
  const ofSteps = (wanted: readonly Step[], inner: 'rows' | 'columns' | null, length: number): Cost =>
    stepsOf(wanted, isSum).reduce(
      (total, step) => {
        const { run, code } = isSum(step) ? ofSum(step) : { run: 1, code: 1 };
        return { run: total.run + run * (inner && step[inner] ? length : 1), code: total.code + code };
      },
      { run: 0, code: 0 },
    );
  const ofSum = (sum: Step): Cost => {
    const before = known.get(sum);
    if (before) return before;
    const cost = sum.op === 'sumOfRows' ? ofSteps(sum.args, 'rows', samples) : ofSteps(sum.args, 'columns', classes);
    known.set(sum, cost);
    return cost;
  };
  const costs = outputs.map((output) => ofSteps(output ? [output] : [], null, 1));
  return {
    run: costs.reduce((most, { run }) => Math.max(most, run), 0),
    code: costs.reduce((total, { code }) => total + code, 0),
  };
}

function reading({ op, name, parameter, rows, columns }: Step, id: number, upstreamColumns: boolean): string {
  if (op === 'number') return `k${parameter}`;
  if (op === 'row') return `row${id}[c]`;
  if (op !== 'input') return `s${id}(${rows ? 'n' : columns ? 'c' : ''})`;
  const [n, c] = [rows ? 'n' : '0', columns ? 'c' : '0'];
  if (name === 'dy') return `getDy(${n} * ${upstreamColumns ? 'CLASSES' : '1'} + ${c})`;
  return `${name === 'sums' ? 'getSums' : 'getDdy'}((${parameter} * samples + ${n}) * CLASSES + ${c})`;
}
