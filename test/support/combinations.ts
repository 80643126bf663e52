/** Combinations of the values of several factors, such as options, for tests. */

declare const TEST_CASES: 'all' | 'pairwise';

type Factors = Record<string, readonly unknown[]>;
type Combination<F extends Factors> = { [Name in keyof F]: F[Name][number] };

/** Every combination. */
export function product<F extends Factors>(factors: F): Combination<F>[] {
  return Object.entries(factors).reduce<Combination<F>[]>(
    (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))),
    [{} as Combination<F>],
  );
}

/**
 * The cases that run: all of them in the full suite. In the quick suite, a selection in which each two values of
 * different factors that occur together in any case still do. It always takes the case that adds most pairs.
 */
export function casesOf<Row>(rows: readonly Row[], factorsOf: (row: Row) => readonly unknown[]): Row[] {
  return TEST_CASES === 'all' ? [...rows] : pairwise(rows, factorsOf);
}

/** A selection of cases with the same pairs of values. */
export function pairwise<Row>(rows: readonly Row[], factorsOf: (row: Row) => readonly unknown[]): Row[] {
  const left = rows.map((row) => ({ row, pairs: pairsOf(factorsOf(row)) }));
  const covered = new Set<string>();
  const chosen: Row[] = [];
  for (;;) {
    let best: { row: Row; pairs: string[] } | undefined;
    for (const candidate of left) {
      candidate.pairs = candidate.pairs.filter((pair) => !covered.has(pair));
      if (candidate.pairs.length > (best?.pairs.length ?? 0)) best = candidate;
    }
    if (!best) return chosen;
    chosen.push(best.row);
    for (const pair of best.pairs) covered.add(pair);
  }
}

function pairsOf(values: readonly unknown[]): string[] {
  return values.flatMap((a, i) => values.slice(i + 1).map((b, k) => `${i}:${String(a)}, ${i + 1 + k}:${String(b)}`));
}
