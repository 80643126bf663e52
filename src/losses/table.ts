/** Tables that users hand back: from `overlap` or `mergeOverlaps`, or made by hand. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
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

/** The table with Σ w min(p, t), which is (P + T - Σ w abs(p - t))/2 where the table has that instead. Inside tf.tidy. */
export function withMinimum(table: Partial<OverlapOf<SumName>>): Partial<OverlapOf<SumName>> {
  const { predicted, labelled, difference, minimum } = table;
  if (minimum || !predicted || !labelled || !difference) return table;
  return { ...table, minimum: tf.mul<Tensor2D>(tf.sub(tf.add(predicted, labelled), difference), 0.5) };
}
