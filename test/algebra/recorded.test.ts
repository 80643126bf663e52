/** Recorded programs of every loss that is a formula on sums, against plain numbers and differences of them. */
import { describe, expect, test } from '@jest/globals';
import { numberAlgebra, type NumberMatrix } from '../../src/algebra/numbers.js';
import { sumSet, type PassSum } from '../../src/kernels/contract.js';
import { recordFormula } from '../../src/kernels/formulas/programs.js';
import type { SumsFormula, SumsOf } from '../../src/overlap/sumsFormula.js';
import { descriptionNamed, hasRegion, ownVariants, PASS_LOSSES, type LossName } from '../support/described.js';
import { interpret, type Inputs } from '../support/interpret.js';
import { randomNumbers } from '../support/random.js';

const SHAPES = [
  [3, 4],
  [2, 1],
  [1, 3],
] as const;

const regionVariants = (classes: number): Record<string, unknown>[] => [
  {},
  { absent: 'penalize', classWeights: Array.from({ length: classes }, (_, c) => 0.5 + c) },
  { absent: 'smooth', smooth: 1, reduction: 'sample' },
  { aggregate: 'batch', reduction: 'sum' },
  { aggregate: 'batch', absent: 'penalize' },
  { overlap: 'product', reduction: 'sum', smooth: 0.5 },
];
const otherVariants = [{}, { reduction: 'sum' }, { reduction: 'sample' }];

function variants(name: LossName, classes: number): Record<string, unknown>[] {
  const shared = hasRegion(name) ? regionVariants(classes) : otherVariants;
  return [...shared, ...ownVariants(name)];
}

/** The formulas of a loss with these options; those with a pass of their own or values of pixels have none. */
function formulasOf(name: LossName, classes: number, options: Record<string, unknown>): SumsFormula[] {
  const { resolve } = descriptionNamed(name);
  try {
    return resolve!({ classes, activation: 'sigmoid' }, options).terms.map(({ formula }) => formula);
  } catch (error) {
    // (Some options do not fit the loss.)
    if (/reduction|absent/.test((error as Error).message)) return [];
    throw error;
  }
}

/** Sums as a pass may give them: every class is present in some sample, and absent in another. */
function sumsFor(names: readonly PassSum[], samples: number, classes: number, random: () => number): Float64Array {
  const share = Array.from({ length: samples * classes }, (_, i) => (i % 5 === 2 ? 0 : 0.1 + 0.6 * random()));
  const of: Record<string, (i: number) => number> = {
    labelled: (i) => 20 * share[i]!,
    minimum: (i) => 12 * share[i]!,
    intersection: (i) => 11 * share[i]!,
    labelledSquared: (i) => 16 * share[i]!,
    valid: () => 30,
  };
  const values = names.flatMap((name) =>
    Array.from({ length: samples * classes }, (_, i) => of[name]?.(i) ?? 15 * (0.9 + 0.2 * random())),
  );
  return Float64Array.from(values);
}

function inNumbers(formula: SumsFormula, names: readonly PassSum[], { sums, samples, classes }: Inputs) {
  const a = numberAlgebra();
  const size = samples * classes;
  const matrices = names.map((name, i) => {
    const own = Array.from(sums).slice(i * size, (i + 1) * size);
    return name === 'valid'
      ? a.matrix(
          samples,
          1,
          own.filter((_, k) => k % classes === 0),
        )
      : a.matrix(samples, classes, own);
  });
  const table = Object.fromEntries(names.map((name, i) => [name, matrices[i]])) as SumsOf<NumberMatrix>;
  table.valid ??= a.matrix(samples, 1, new Float64Array(samples).fill(30));
  const result = formula.value(a, table);
  return {
    values: Array.from(result.values),
    gradient(dy: ArrayLike<number>) {
      a.backpropagate(result, dy);
      return names.flatMap((name, i) =>
        name === 'valid' ? new Array<number>(size).fill(0) : Array.from(matrices[i]!.gradient),
      );
    },
  };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  expect(actual.length).toBe(expected.length);
  const scale = Array.from(expected).reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
  const worst = Array.from(expected, (x, i) => Math.abs(actual[i]! - x) / scale).reduce((a, b) => (b <= a ? a : b), 0);
  expect(worst).toBeLessThan(tolerance);
}

const inner = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((total, x, i) => total + x * b[i]!, 0);

describe.each(PASS_LOSSES)('%s', (name) => {
  test.each(SHAPES)(
    'value, gradient and gradient of the gradient for %i samples and %i classes',
    (samples, classes) => {
      const random = randomNumbers(7);
      let tried = 0;
      for (const options of variants(name, classes)) {
        for (const formula of formulasOf(name, classes, options)) {
          for (const weighted of [false, true]) {
            const names = sumSet<PassSum>(weighted ? [...formula.sums, 'valid'] : formula.sums);
            const { programs, numbers } = recordFormula(formula, { names, pixels: weighted ? null : 30, unit: 1 });
            const sums = sumsFor(names, samples, classes, random);
            const inputs = { samples, classes, numbers, sums };
            const expected = inNumbers(formula, names, inputs);
            expectClose(interpret(programs.value(), inputs), expected.values, 1e-12);

            const dy = expected.values.map(() => 0.5 + random());
            const gradient = (own: Partial<Inputs>) => interpret(programs.gradient(), { ...inputs, dy, ...own });
            expectClose(gradient({}), expected.gradient(dy), 1e-10);

            const ddy = Array.from(sums, () => random() - 0.5);
            const [toSums, toDy] = programs
              .gradientsOfGradient()
              .map((each) => interpret(each, { ...inputs, dy, ddy }));
            const direction = Array.from(sums, (x, i) =>
              names[Math.floor(i / samples / classes)] === 'valid' ? 0 : x,
            );
            const along = (h: number) => inner(gradient({ sums: sums.map((x, i) => x + h * direction[i]!) }), ddy);
            const h = 1e-5;
            expectClose([inner(toSums!, direction)], [(along(h) - along(-h)) / (2 * h)], 1e-5);
            // The gradient is linear in dy.
            expectClose([inner(toDy!, dy)], [inner(gradient({}), ddy)], 1e-10);
            tried++;
          }
        }
      }
      expect(tried).toBeGreaterThan(descriptionNamed(name).own.includes('hardest') ? 0 : 4);
    },
  );
});

test('sums in units give the same value, and a gradient with respect to what is stored', () => {
  const [formula] = formulasOf('diceLoss', 2, { smooth: 1, aggregate: 'batch' });
  const names = sumSet<PassSum>([...formula!.sums, 'valid']);
  const sums = sumsFor(names, 2, 2, randomNumbers(5));
  const run = (unit: number) => {
    const { programs, numbers } = recordFormula(formula!, { names, pixels: null, unit });
    const inputs = { samples: 2, classes: 2, numbers, sums: sums.map((x) => x / unit), dy: [1] };
    return [interpret(programs.value(), inputs), interpret(programs.gradient(), inputs).map((x) => x / unit)] as const;
  };
  const [value, gradient] = run(1);
  const [valueInUnits, gradientInUnits] = run(64);
  expectClose(valueInUnits, value, 1e-12);
  expectClose(gradientInUnits, gradient, 1e-12);
});

test('programs that differ only in numbers are the same, and others are not', () => {
  const [one, two, three] = [{ smooth: 1 }, { smooth: 2 }, { absent: 'penalize' }].map((options) => {
    const [formula] = formulasOf('iouLoss', 3, options);
    return recordFormula(formula!, { names: sumSet<PassSum>(formula!.sums), pixels: 30, unit: 1 });
  });
  expect(two!.programs).toBe(one!.programs);
  expect(two!.numbers).not.toEqual(one!.numbers);
  expect(three!.programs).not.toBe(one!.programs);
  expect(three!.programs.value().key).not.toBe(one!.programs.value().key);
});
