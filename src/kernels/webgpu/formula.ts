/**
 * WGSL code for a formula on sums. One workgroup computes it: sums over samples or classes are kept in its memory, and
 * everything else is computed again wherever it is read.
 */
import { STEEPEST } from '../../algebra/algebra.js';
import { stepsOf, type Step } from '../../algebra/recorded.js';
import { SMALLEST_DENOMINATOR } from '../../ops/ratio.js';
import { expression, isSum, isVaried, type Language } from '../formulas/expressions.js';
import type { FormulaProgram } from '../formulas/program.js';
import { ARITHMETIC } from './arithmetic.js';
import { LANES } from './tiles.js';

/** Every device gives a workgroup at least 16 KiB; each lane has a value of its own. */
const MOST_FLOATS = 4096 - LANES;

const FUNCTIONS = /* wgsl */ `${ARITHMETIC}
const STEEPEST = ${STEEPEST};
const SMALLEST_NORMAL = 1.1754944e-38;

// A comparison with NaN is false, so these keep it.
fn divided(a : f32, b : f32, otherwise : f32) -> f32 { return select(a / b, otherwise, b < SMALLEST_NORMAL); }
fn guardedDivided(a : f32, b : f32) -> f32 {
  return select(a / atLeast(b, ${SMALLEST_DENOMINATOR}), 0.0, b < SMALLEST_NORMAL);
}
fn stepOf(x : f32) -> f32 { return select(select(x, 0.0, x <= 0.0), 1.0, x > 0.0); }
fn logFrom(x : f32) -> f32 { return logOf(atLeast(x, STEEPEST)) + atMost(x - STEEPEST, 0.0) / STEEPEST; }
fn powerOf(x : f32, e : f32) -> f32 {
  return select(pow(x, e), select(x, select(0.0, 1.0, e == 0.0), x <= 0.0), !(x > 0.0));
}
fn logCosh(x : f32) -> f32 {
  let e = exp(-abs(x));
  let lessOne = (1.0 - e) * (1.0 - e) / (2.0 * e); // cosh(x) - 1
  return select(abs(x) + logOfOnePlus(e * e) - 0.69314718, logOfOnePlus(lessOne), abs(x) < 1.0);
}
fn tanhOf(x : f32) -> f32 {
  let e = exp(-2.0 * abs(x));
  return sign(x) * (1.0 - e) / (1.0 + e) + (x - x);
}
`;

const literal = (x: number): string => (Number.isInteger(x) && Math.abs(x) < 1e9 ? `${x}.0` : `f32(${x})`);

/** The code for up to `most` samples. */
export function formulaCode({ outputs, steps, upstream }: FormulaProgram, classes: number, most: number): string {
  const id = new Map(steps.map((step, i) => [step, i]));
  const language: Language = { literal, read: (step) => reading(step, id.get(step)!, upstream.columns) };
  const name = (step: Step) => `v${id.get(step)}`;
  const line = (step: Step) => `let ${name(step)} = ${expression(step, step.args.map(name), language)};`;
  /** The lines that compute `wanted`: those that are the same along the inner axis, and the others. */
  const lines = (wanted: readonly (Step | null)[], inner: 'rows' | 'columns' | null) => {
    const needed = stepsOf(wanted, isSum);
    const varies = (step: Step) => inner !== null && step[inner];
    const join = (some: Step[]) => some.map(line).join('\n');
    return { before: join(needed.filter((x) => !varies(x))), inside: join(needed.filter(varies)) };
  };
  const sums = steps.filter(isSum);
  const sweeps = sweepsOf(steps).map((group) => sweepCode(group, classes, most, (x) => id.get(x)!, lines));
  const rows = steps.filter(isVaried).map((row) => {
    return `const row${id.get(row)} = array<f32, ${classes}>(${row.values!.map(literal).join(', ')});`;
  });
  const stores = outputs.map((output, i) => `result[${i} * uniforms.values + i] = ${output ? name(output) : '0.0'};`);
  return /* wgsl */ `${FUNCTIONS}
const CLASSES = ${classes};
var<workgroup> tree : array<f32, ${LANES}>;
${sums.map((sum) => `var<workgroup> s${id.get(sum)} : array<f32, ${floatsOf(sum, classes, most)}>;`).join('\n')}
${rows.join('\n')}

fn main(index : i32) {
  let lane = i32(localIndex);
  ${sweeps.join('\n')}
  for (var i = lane; i < uniforms.values; i += LANES) {
    let n = i / uniforms.columns;
    let c = i % uniforms.columns;
    ${lines(outputs, null).before}
    ${stores.join('\n    ')}
  }
}
`.replaceAll('LANES', String(LANES));
}

/** True if the sums over samples or classes fit into a workgroup's memory. */
export function fits({ steps }: FormulaProgram, classes: number, most: number): boolean {
  return steps.filter(isSum).reduce((total, sum) => total + floatsOf(sum, classes, most), 0) <= MOST_FLOATS;
}

const floatsOf = ({ rows, columns }: Step, classes: number, most: number) => (rows ? most : columns ? classes : 1);

function reading({ op, name, parameter, rows, columns }: Step, id: number, upstreamColumns: boolean): string {
  if (op === 'number') return `uniforms.k${parameter}`;
  if (op === 'row') return `row${id}[c]`;
  if (op !== 'input') return `s${id}[${rows ? 'n' : columns ? 'c' : '0'}]`;
  const [n, c] = [rows ? 'n' : '0', columns ? 'c' : '0'];
  if (name === 'dy') return `dy[${n} * ${upstreamColumns ? 'CLASSES' : '1'} + ${c}]`;
  return `${name}[(${parameter} * uniforms.samples + ${n}) * CLASSES + ${c}]`;
}

/** Sums in the order in which they can be computed; those of a group go along the same axis with as many results. */
function sweepsOf(steps: readonly Step[]): Step[][] {
  const levels = new Map<Step, number>();
  for (const step of steps) {
    const below = step.args.reduce((most, x) => Math.max(most, levels.get(x)!), 0);
    levels.set(step, below + Number(isSum(step)));
  }
  const groups = new Map<string, Step[]>();
  for (const sum of steps.filter(isSum)) {
    const key = [String(levels.get(sum)).padStart(4, '0'), sum.op, sum.rows, sum.columns].join();
    groups.set(key, [...(groups.get(key) ?? []), sum]);
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

type Lines = (wanted: readonly Step[], inner: 'rows' | 'columns') => { before: string; inside: string };

/** Code that computes a group of sums, with one or more lanes for each result. */
function sweepCode(group: Step[], classes: number, most: number, id: (step: Step) => number, lines: Lines): string {
  const [{ op, rows, columns }] = group as [Step];
  const overColumns = op === 'sumOfColumns';
  const [inner, outer] = overColumns ? (['c', 'n'] as const) : (['n', 'c'] as const);
  const length = overColumns ? 'CLASSES' : 'uniforms.samples';
  const many = rows ? 'uniforms.samples' : columns ? 'CLASSES' : '1';
  const width = Math.min(LANES, 2 ** Math.ceil(Math.log2(rows ? most : columns ? classes : 1)));
  const slices = LANES / width;
  const { before, inside } = lines(
    group.map(({ args }) => args[0]!),
    overColumns ? 'columns' : 'rows',
  );
  const each = (code: (sum: number, term: number) => string) =>
    group.map((sum) => code(id(sum), id(sum.args[0]!))).join('\n');
  const keep = (sum: number) =>
    slices === 1
      ? `if (${outer} < ${many}) { s${sum}[${outer}] = a${sum}; }`
      : `tree[lane] = a${sum};
    workgroupBarrier();
    for (var half = ${slices / 2}; half > 0; half /= 2) {
      if (slice < half) { tree[lane] += tree[lane + half * ${width}]; }
      workgroupBarrier();
    }
    if (slice == 0 && ${outer} < ${many}) { s${sum}[${outer}] = tree[lane]; }
    workgroupBarrier();`;
  return /* wgsl */ `
  for (var base = 0; base < ${many}; base += ${width}) {
    let ${outer} = base + lane % ${width};
    let slice = lane / ${width};
    ${each((sum) => `var a${sum} = 0.0;`)}
    if (${outer} < ${many}) {
      ${before}
      for (var ${inner} = slice; ${inner} < ${length}; ${inner} += ${slices}) {
        ${inside}
        ${each((sum, term) => `a${sum} += v${term};`)}
      }
    }
    ${each(keep)}
  }
  workgroupBarrier();`;
}
