/** Reads and checks tables of sums that users hand back, from `overlap` or `mergeOverlaps` or made by hand. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { checkDtype, checkTensor, fail, show, showShape } from '../checks.js';
import { SUM_NAMES, type SumName } from '../kernels/contract.js';
import { sameShape } from '../kernels/layout.js';
import type { OverlapOf } from './overlap.js';

/** A table as a user may pass it. */
export type GivenTable = Partial<OverlapOf<SumName>>;

/** The number of classes of a table. */
export function tableClasses(table: GivenTable): number {
  if (typeof table !== 'object' || table === null) fail(`takes a table of overlap(), got ${show(table)}`);
  const name = SUM_NAMES.find((sum) => table[sum] !== undefined);
  if (!name) fail(`takes a table of overlap() with at least one sum besides 'valid'`);
  return sumOf(table, name).shape[1];
}

/**
 * The named sums of the table, and `valid`. Each of them must be there, and fit the others in shape. If `minimum` is
 * missing it is computed from `difference`, because Σ w min(p, t) = (P + T - Σ w abs(p - t))/2. Call it inside tf.tidy.
 */
export function readTable<S extends SumName>(table: GivenTable, sums: readonly S[]): OverlapOf<S> {
  const whole = (sums as readonly SumName[]).includes('minimum') ? withMinimum(table) : table;
  const found = sums.map((name) => [name, sumOf(whole, name)] as const);
  const valid: unknown = present(table, 'valid');
  checkTensor("the table's valid", valid);
  const [[first, { shape }]] = found as [[S, Tensor2D]];
  for (const [name, sum] of found)
    if (!sameShape(sum.shape, shape))
      fail(`the table's ${name} ${showShape(sum.shape)} and ${first} ${showShape(shape)} differ in shape`);
  if (!sameShape(valid.shape, [shape[0]]))
    fail(`the table's valid must have shape [${shape[0]}] to match ${first} ${showShape(shape)}, got ${show(valid)}`);
  return { ...Object.fromEntries(found), valid } as unknown as OverlapOf<S>;
}

function withMinimum(table: GivenTable): GivenTable {
  const { predicted, labelled, difference, minimum } = table;
  if (minimum || !predicted || !labelled || !difference) return table;
  const [p, t, d] = (['predicted', 'labelled', 'difference'] as const).map((name) => sumOf(table, name));
  return { ...table, minimum: tf.mul<Tensor2D>(tf.sub(tf.add(p!, t!), d!), 0.5) };
}

function sumOf(table: GivenTable, name: SumName): Tensor2D {
  const sum = present(table, name);
  checkTensor(`the table's ${name}`, sum);
  checkDtype(`the table's ${name}`, sum, ['float32']);
  if (sum.rank !== 2) fail(`the table's ${name} must be [N, C], got ${show(sum)}`);
  return sum as Tensor2D;
}

function present(table: GivenTable, name: SumName | 'valid'): Tensor {
  const sum = table[name];
  if (sum) return sum;
  fail(`the table has no '${name}'; overlap() gives it, unless its option sums leaves it out`);
}
