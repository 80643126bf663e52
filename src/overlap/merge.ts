import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkTensor, fail, show, showShape } from '../checks.js';
import { SUM_NAMES, type SumName } from '../kernels/contract.js';
import type { OverlapOf } from './overlap.js';

/**
 * Adds tables of `overlap`, to get the sums of a whole from the sums of its pieces (tiles of a volume, micro-batches,
 * workers). A loss of the merged table is exactly the loss of the whole, even where no machine can hold the whole.
 *
 * @param tables two or more tables with the same sums and the same shapes `[N, C]`
 * @returns the table of the whole
 * @throws if the tables have different sums or shapes
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[1, 0], [0.4, 0.6], [0, 1], [0, 1]]]);
 * const logits = tf.tensor([[[2, -1], [0, 1], [1, 2], [-3, 0]]]);
 * const [leftLabels, rightLabels] = tf.split(labels, 2, 1);
 * const [left, right] = tf.split(logits, 2, 1);
 * const whole = mergeOverlaps(overlap(leftLabels, left), overlap(rightLabels, right));
 * lossFromOverlap(iouLoss, whole); // = iouLoss(labels, logits)
 * ```
 */
export function mergeOverlaps<S extends SumName>(...tables: readonly OverlapOf<S>[]): OverlapOf<S> {
  return inFunction('mergeOverlaps', () => {
    const [first] = tables;
    if (!first) fail('needs at least one table');
    const names = namesOf(first);
    for (const table of tables) {
      const other = namesOf(table);
      if (other.join() !== names.join())
        fail(`tables differ in their sums: ${names.join(', ')} and ${other.join(', ')}`);
      for (const name of names) {
        const [a, b] = [sum(first, name).shape, sum(table, name).shape];
        if (showShape(a) !== showShape(b))
          fail(`tables differ in the shape of ${name}: ${showShape(a)} and ${showShape(b)}`);
      }
    }
    return tf.tidy(() => {
      const merged = names.map((name) => [name, tf.addN(tables.map((table) => sum(table, name)))]);
      return Object.fromEntries(merged) as OverlapOf<S>;
    });
  });
}

function namesOf(table: unknown): string[] {
  if (typeof table !== 'object' || table === null) fail(`takes tables of overlap(), got ${show(table)}`);
  const names = [...SUM_NAMES, 'valid'].filter((name) => name in table);
  for (const name of names) checkTensor(name, (table as Record<string, unknown>)[name]);
  if (!names.includes('valid')) fail(`takes tables of overlap(), got one without 'valid'`);
  return names;
}

function sum(table: object, name: string): Tensor {
  return (table as Record<string, Tensor>)[name]!;
}
