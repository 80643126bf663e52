/**
 * Value checks of accumulators on a GPU. To read whole tensors back would take longer than the update itself, so the
 * GPU computes extremes of the values, a few numbers. Only if these show that a value may be wrong are the tensors
 * read, for the check that says which value it is.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { currentFunction } from '../argumentError.js';
import { hasWarned, holdCheck, type HeldCheck } from '../checkValues.js';
import { toLabelPixels, toPixels, type Layout } from '../kernels/layout.js';
import { canReadWhole } from '../ops/canReadAtOnce.js';
import {
  FEWEST_PROBABILITIES,
  RANGE_TOLERANCE,
  sumTolerance,
  takingChecks,
  type CheckedPixels,
  type CheckedPredictions,
} from '../overlap/valueChecks.js';

/** A value check that waits for the extremes of its values. */
export interface Screen {
  /** The extremes, which the caller reads back. */
  extremes: Tensor1D;
  /** The number of the extremes. */
  size: number;
  /** True if these values of the extremes show that the check may refuse a value, or warn. */
  isSuspicious(values: ArrayLike<number>): boolean;
  /** The check itself, which reads the tensors. */
  whole: HeldCheck;
}

/**
 * Runs a function inside tf.tidy. On a GPU its value checks are screened and appended to `screens`, whose `whole` the
 * caller disposes; elsewhere they are made at once.
 */
export function screening<T>(screens: Screen[], run: () => T): T {
  // This is a single expression so that bundlers can evaluate it, and then drop all that follows.
  if (typeof SOFTSEG_VALUE_CHECKS !== 'undefined' && SOFTSEG_VALUE_CHECKS === 'never') return run();
  if (canReadWhole()) return run();
  return takingChecks((pixels, tensors, check) => screens.push(screenOf(pixels, holdCheck(tensors, check))), run);
}

/** Defined as 'never' by bundlers that leave the checks out, see `checkValues`. */
declare const SOFTSEG_VALUE_CHECKS: string | undefined;

function screenOf(pixels: CheckedPixels, whole: HeldCheck): Screen {
  const { labels, predictions, weights, layout } = pixels;
  const name = currentFunction;
  // The extremes of int32 labels and predictions are read in any case, see measuredRange.ts.
  const soft = labels && labels.rule !== 'unread' && labels.kind === 'soft' ? labels : null;
  const scored = predictions && predictions.as !== 'indices' ? predictions : null;
  const all = [
    ...(soft ? [toLabelPixels(soft.tensor, 'soft', layout) as Tensor3D] : []),
    ...(scored ? [toPixels(scored.tensor, layout)] : []),
  ];
  const sumToOne = soft?.rule === 'shares' && predictions?.as === 'softmax';
  const extremes = extremesOf(all, weights);
  return {
    extremes,
    size: extremes.size,
    isSuspicious(values) {
      const at = soft ? COLUMNS : 0;
      if (weights && !(values[all.length * COLUMNS]! >= 0)) return true;
      if (soft && !areLabels(readExtremes(values, 0), sumToOne, layout)) return true;
      return scored !== null && !areUsual(readExtremes(values, at), scored, layout, hasWarned(name));
    },
    whole,
  };
}

/** Extremes over all pixels that count: of the values, of their sums over the classes, and of each pixel's largest. */
interface Extremes {
  least: number;
  most: number;
  leastSum: number;
  mostSum: number;
  leastMost: number;
}

/** Each extreme is computed as the largest value of a column. Those of smallest values have their sign changed. */
const SIGNS = [-1, 1, -1, 1, -1];
const COLUMNS = SIGNS.length;
/** The value of pixels that do not count: any column has larger values, and float16 can hold it. */
const UNCOUNTED = -1e4;

function readExtremes(values: ArrayLike<number>, at: number): Extremes {
  const [least, most, leastSum, mostSum, leastMost] = SIGNS.map((sign, i) => sign * values[at + i]!);
  return { least: least!, most: most!, leastSum: leastSum!, mostSum: mostSum!, leastMost: leastMost! };
}

/** The columns' largest values for each of the tensors [N,P,C], and then the smallest weight. */
function extremesOf(all: readonly Tensor3D[], weights: Tensor | null): Tensor1D {
  const parts = all.length > 0 ? [largestOf(all, weights)] : [];
  if (weights) parts.push(tf.reshape(tf.min(weights), [1]));
  return parts.length > 0 ? tf.concat1d(parts) : tf.tensor1d([]);
}

function largestOf(all: readonly Tensor3D[], weights: Tensor | null): Tensor1D {
  const columns = tf.stack(all.flatMap(columnsOf)) as Tensor2D;
  const signs = all.flatMap(() => SIGNS);
  const signed: Tensor2D = tf.mul(columns, tf.tensor2d(signs, [signs.length, 1]));
  if (!weights) return tf.max(signed, 1);
  const counts = tf.broadcastTo(tf.reshape(tf.greater(weights, 0), [1, -1]), signed.shape);
  return tf.max(tf.where(counts, signed, tf.fill(signed.shape, UNCOUNTED)), 1);
}

/** A value for each pixel, in the order of SIGNS. */
function columnsOf(x: Tensor3D): Tensor1D[] {
  const perPixel = (values: Tensor): Tensor1D => tf.reshape(values, [-1]);
  if (x.shape[2] === 1) return SIGNS.map(() => perPixel(x));
  const [low, high, sum] = [tf.min(x, 2), tf.max(x, 2), tf.sum(x, 2)].map(perPixel) as [Tensor1D, Tensor1D, Tensor1D];
  return [low, high, sum, sum, high];
}

/** The check decides about sums near its limit: it adds up in float64, a GPU in float32. */
const SHARE_OF_TOLERANCE = 0.9;

const inRange = ({ least, most }: Extremes): boolean => least >= -RANGE_TOLERANCE && most <= 1 + RANGE_TOLERANCE;

function sumsToOne({ leastSum, mostSum }: Extremes, { classes }: Layout, share: number): boolean {
  const tolerance = share * sumTolerance(classes);
  return leastSum >= 1 - tolerance && mostSum <= 1 + tolerance;
}

function areLabels(extremes: Extremes, sumToOne: boolean, layout: Layout): boolean {
  return inRange(extremes) && (!sumToOne || sumsToOne(extremes, layout, SHARE_OF_TOLERANCE));
}

/** True if the check would not refuse the predictions, nor warn about them. (NaN shows in the sums.) */
function areUsual(
  extremes: Extremes,
  { as, hard = false }: CheckedPredictions,
  layout: Layout,
  warned: boolean,
): boolean {
  const { least, most, leastMost } = extremes;
  if (as === 'none' || as === 'relaxed') return inRange(extremes);
  if (as === 'softmax' && !(most < Infinity && leastMost > -Infinity)) return false;
  if (warned || as === 'scores' || !inRange(extremes)) return true;
  if (as === 'softmax') return hard || !(least < most) || !sumsToOne(extremes, layout, 1 / SHARE_OF_TOLERANCE);
  if (layout.classes === 1 && least === 1 && most === 1) return false;
  return !(least < most && most >= 0.5 && layout.samples * layout.pixels * layout.classes >= FEWEST_PROBABILITIES);
}
