import type { SumsFormula, SumTerm } from './sumsFormula.js';

/** Merges terms of a loss that can share a pass: those whose cross-entropies do not differ. */
export function mergeTerms(terms: readonly SumTerm[]): SumTerm[] {
  const passes: SumTerm[][] = [];
  for (const term of terms) {
    const pass = passes.find((others) => others.every((other) => shareThePass(term, other)));
    if (pass) pass.push(term);
    else passes.push([term]);
  }
  return passes.map((pass) => (pass.length === 1 && isWhole(pass[0]!) ? pass[0]! : mergedTerm(pass)));
}

/**
 * True if a term stays as it is: its weight is 1. Any other weight becomes part of the formula, which in plain numbers
 * rounds only once and needs no op.
 */
const isWhole = ({ weight }: SumTerm) => weight === 1;

/** True if two terms can share a pass, which has room for one cross-entropy. */
function shareThePass(a: SumTerm, b: SumTerm): boolean {
  return !a.entropy || !b.entropy || JSON.stringify(a.entropy) === JSON.stringify(b.entropy);
}

function mergedTerm(terms: readonly SumTerm[]): SumTerm {
  const formula: SumsFormula = {
    sums: terms.flatMap((term) => term.formula.sums),
    value: (a, table) =>
      terms.map((term) => a.mul(term.formula.value(a, table), term.weight)).reduce((sum, value) => a.add(sum, value)),
    shape: (samples) => terms[0]!.formula.shape(samples),
  };
  const entropy = terms.find((term) => term.entropy)?.entropy;
  return { weight: 1, formula, ...(entropy && { entropy }) };
}
