/** The weight of a term becomes part of its formula, in which plain numbers are rounded only once. */
import { expect, test } from '@jest/globals';
import { numberAlgebra, type NumberMatrix } from '../../src/algebra/numbers.js';
import { mergeTerms } from '../../src/overlap/mergeTerms.js';
import type { SumsFormula, SumsOf, SumTerm } from '../../src/overlap/sumsFormula.js';

const predicted: SumsFormula<'predicted'> = {
  sums: ['predicted'],
  value: (_, table) => table.predicted,
  shape: () => [],
};
const formula = predicted as SumsFormula;

/** The weight and the value of the only remaining term, for a sum of 3. */
function valueOf(terms: readonly SumTerm[]): { weight: number; value: number } {
  const algebra = numberAlgebra();
  const [merged, ...rest] = mergeTerms(terms);
  expect(rest).toEqual([]);
  const sum = algebra.matrix(1, 1, [3]);
  const result = merged!.formula.value(algebra, { predicted: sum, valid: sum } as SumsOf<NumberMatrix>);
  return { weight: merged!.weight, value: result.values[0]! };
}

test('the weight of a single term becomes part of its formula, as those of several terms do', () => {
  expect(valueOf([{ weight: 0.3, formula }])).toEqual({ weight: 1, value: 3 * 0.3 });
  expect(
    valueOf([
      { weight: 0.3, formula },
      { weight: 0.2, formula },
    ]),
  ).toEqual({ weight: 1, value: 3 * 0.3 + 3 * 0.2 });
});

test('a term of weight 1 stays unchanged', () => {
  const whole = { weight: 1, formula };
  expect(mergeTerms([whole])[0]).toBe(whole);
});

test('terms with the same cross-entropy share a pass, and so does one without any', () => {
  const entropy = { kind: 'binary', labelSmoothing: 0, posWeight: null, subtractEntropy: false, focal: null } as const;
  const focal = { ...entropy, focal: { gamma: 2, alpha: null } };
  const terms = [entropy, focal, undefined, focal].map((own): SumTerm => ({
    weight: 1,
    formula,
    ...(own && { entropy: own }),
  }));
  expect(mergeTerms(terms).map((term) => term.entropy)).toEqual([entropy, focal]);
});
