/** Formulas on sums, recorded as programs: the loss, its gradient, and the gradients of that. */
import { keyOf, recorder, type Recorder, type Step } from '../../algebra/recorded.js';
import { formulaProgram, type Formula, type FormulaPrograms, type RecordedFormula, type SumsRead } from './program.js';

/** The programs that were made, by the text of their formulas. Of very many only the newest are kept. */
const made = new Map<string, FormulaPrograms>();
const MOST_KEPT = 200;

/** Records a formula on sums. */
export function recordFormula(formula: Formula, { names, pixels, unit }: SumsRead): RecordedFormula {
  const a = recorder();
  const inputs = names.map((name, i) => a.input('sums', i, true, name !== 'valid'));
  const inUnits = (sum: Step) => (unit === 1 ? sum : a.mul(sum, unit));
  const table = Object.fromEntries(names.map((name, i) => [name, inUnits(inputs[i]!)])) as Record<string, Step>;
  if (pixels !== null) table.valid = a.number(pixels, true);
  const result = formula.value(a, table);
  const numbers = a.numbers.slice();
  const key = `${names.join(' ')};${a.steps.indexOf(result)};${keyOf(a.steps)}`;
  const programs = made.get(key) ?? makePrograms(a, names, inputs, result);
  made.delete(key);
  made.set(key, programs);
  if (made.size > MOST_KEPT) made.delete(made.keys().next().value!);
  return { programs, numbers };
}

function makePrograms(a: Recorder, names: readonly string[], inputs: readonly Step[], result: Step): FormulaPrograms {
  // No gradient flows to weights.
  const wanted = inputs.filter((_, i) => names[i] !== 'valid');
  const perSum = (slopes: readonly (Step | null)[]) => inputs.map((input) => slopes[wanted.indexOf(input)] ?? null);
  const whole = { rows: true, columns: true };
  const upstream = { rows: result.rows, columns: result.columns };
  const program = (outputs: readonly (Step | null)[], size: { rows: boolean; columns: boolean }) =>
    formulaProgram(outputs, size, upstream);

  const slopes = once(() => {
    const dy = a.input('dy', 0, result.rows, result.columns);
    return { dy, perSum: perSum(a.gradients([[result, dy]], wanted)) };
  });
  return {
    value: once(() => program([result], upstream)),
    gradient: once(() => program(slopes().perSum, whole)),
    gradientsOfGradient: once(() => {
      const { dy, perSum: outputs } = slopes();
      const seeds = outputs.flatMap((output, i) => (output ? [[output, a.input('ddy', i, true, true)] as const] : []));
      const all = a.gradients(seeds, [...wanted, dy]);
      return [program(perSum(all), whole), program([all.at(-1)!], upstream)] as const;
    }),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
