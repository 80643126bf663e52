/**
 * Finds the class axis where there are no float predictions, so that all tensors may be class indices. A shape alone
 * does not say whether int32 `[N, H, W, 2]` holds one-hot masks of two classes or indices of a volume. Nothing is
 * guessed: if neither the other tensor nor an option decides it, that is an error. Given the layout, `resolveLabelKind`
 * then tells masks from indices, for labels and predictions alike.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { axisFromFront, checkAxis, fail, show, showShape } from '../checks.js';
import { layoutOf, sameShape, type Layout } from '../kernels/layout.js';

/** The number of classes, where it does not follow from the shapes. */
export interface KnownClasses {
  /** The number of classes, if an option gives it. */
  count: number | undefined;
  /** The number to assume for indices with a class axis of size 1, if `count` is not given. Default 1. */
  least?: number;
  /** Advice for error messages: `give the option classCount`. */
  cure: string;
}

/** The layout of int32 predictions and their labels, which need not be int32. */
export function layoutOfIntPredictions(
  labels: Tensor,
  predictions: Tensor,
  axis: number,
  classes: KnownClasses,
): Layout {
  const layout = layoutOfBoth(labels, predictions, axis, classes);
  for (const { shape } of [labels, predictions]) {
    if (!fits(shape, layout)) {
      const pixels = showShape(layout.shape.filter((_, i) => i !== layout.axis));
      const both = `labels ${showShape(labels.shape)} and predictions ${showShape(predictions.shape)}`;
      fail(`${both} must have the same pixels, ${pixels} without a class axis`);
    }
  }
  return layout;
}

function layoutOfBoth(
  labels: Tensor,
  predictions: Tensor,
  axis: number,
  { count, least = 1, cure }: KnownClasses,
): Layout {
  // Labels that are not int32 are soft, so they have a class axis. So has the tensor that has one axis more.
  if (labels.dtype !== 'int32' || labels.rank > predictions.rank) return layoutAlong(labels, axis, count ?? least);
  if (predictions.rank > labels.rank) return layoutAlong(predictions, axis, count ?? least);
  const [labelSize, predictionSize] = [sizeAlong(labels, axis), sizeAlong(predictions, axis)];
  // Where one of them has a class axis of size 1, the other one has an axis of all classes.
  if (labels.rank > 2 && labelSize === 1) return layoutAlong(predictions, axis, count ?? least);
  if (labels.rank > 2 && predictionSize === 1) return layoutAlong(labels, axis, count ?? least);
  if (count === undefined || (labels.rank > 1 && predictionSize === count)) {
    const both = `int32 labels ${showShape(labels.shape)} and predictions ${showShape(predictions.shape)}`;
    const how = count === undefined ? cure : 'give class indices a class axis of 1';
    fail(`${both} may be class indices or one-hot masks: ${how}, or cast one-hot labels to bool`);
  }
  return withClasses(predictions, axis, count);
}

/** The layout of class indices `[N, ...spatial]` of `count` classes, which may have a class axis of size 1. */
export function layoutOfIndices(name: string, indices: Tensor, axis: number, count: number): Layout {
  if (indices.dtype !== 'int32') fail(`class indices must be int32, got ${show(indices)}`);
  const { shape, rank } = indices;
  const own = sizeAlong(indices, axis);
  if (rank > 2 && own === 1) return layoutAlong(indices, axis, count);
  if (rank > 2 && own === count) {
    const both = `int32 ${name} ${showShape(shape)} may be class indices or one-hot masks of ${count} classes`;
    fail(`${both}: leave out classes for masks, or give class indices a class axis of 1`);
  }
  return withClasses(indices, axis, count);
}

/** The size of the axis that may be the class axis; undefined if there is no such axis, which is refused later. */
function sizeAlong({ shape, rank }: Tensor, axis: number): number | undefined {
  const front = axisFromFront(axis, rank, 1);
  return front === null ? undefined : shape[front];
}

/**
 * The layout of a tensor that has a class axis. If its size is 1 and the tensor int32, it holds indices of `count`
 * classes.
 */
function layoutAlong(tensor: Tensor, axis: number, count: number): Layout {
  const { shape, dtype } = tensor;
  const front = checkAxis(axis, shape, 'axis', 1);
  if (shape[front] !== 1 || dtype !== 'int32') return layoutOf(shape, front);
  return layoutOf(
    shape.map((size, i) => (i === front ? count : size)),
    front,
  );
}

/** The layout of class indices without a class axis: with an axis of `count` classes added. */
function withClasses({ shape }: Tensor, axis: number, count: number): Layout {
  const rank = shape.length + 1;
  const front = axisFromFront(axis, rank, 1);
  if (front === null) {
    const range = `${rank === 2 ? '1 or -1' : `1..${rank - 1} or ${1 - rank}..-1`}`;
    const where = `where class indices ${showShape(shape)} get a class axis`;
    fail(`axis must be an integer in ${range}, ${where}, got ${show(axis)}`);
  }
  return layoutOf([...shape.slice(0, front), count, ...shape.slice(front)], front);
}

/** True if a shape is that of the layout, the same without the class axis, or with a class axis of size 1. */
function fits(shape: readonly number[], { shape: whole, axis }: Layout): boolean {
  if (shape.length !== whole.length) return sameShape(shape, [...whole.slice(0, axis), ...whole.slice(axis + 1)]);
  return whole.every((size, i) => shape[i] === size || (i === axis && shape[i] === 1));
}
