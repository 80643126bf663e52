/** Checks of the tables that users hand back: from `overlap` or `mergeOverlaps`, or made by hand. */
import { fail } from '../checks.js';
import { SUM_NAMES, type SumName } from '../kernels/contract.js';
import type { OverlapOf } from '../overlap/overlap.js';

/** C of a table. */
export function tableClasses(fn: string, table: Partial<OverlapOf<SumName>>): number {
  const sum = SUM_NAMES.map((name) => table?.[name]).find((tensor) => tensor !== undefined);
  if (!sum) fail(fn, `takes a table of overlap() with at least one sum besides 'valid'`);
  return sum.shape[1];
}

/** The table has these sums, and `valid`. */
export function checkTable<S extends SumName>(
  fn: string,
  table: Partial<OverlapOf<SumName>>,
  sums: readonly S[],
): asserts table is OverlapOf<S> {
  for (const name of [...sums, 'valid' as const]) {
    if (!table[name]) fail(fn, `the table has no '${name}'; overlap() gives it, unless its option sums leaves it out`);
  }
}
