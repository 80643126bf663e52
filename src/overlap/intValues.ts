/** Checks of the values of int32 tensors, by the functions that read tensors back anyway. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { fail } from '../checks.js';
import { toLabelPixels, type LabelKind, type Layout } from '../kernels/layout.js';

/** The values that an int32 tensor may hold where its pixels count. */
export type IntRange = {
  least: number;
  most: number;
  /** The name of the values, and advice, for the error message. */
  what: string;
  cure: string;
};

/** The range of a tensor's values. `most` is the largest index, by default that of the last class. */
export function intRange(name: string, kind: LabelKind, classes: number, most = Math.max(classes - 1, 1)): IntRange {
  if (kind === 'soft') return { least: 0, most: 1, what: `int32 ${name} with a class axis are masks, which`, cure: '' };
  const cure =
    name === 'labels' ? '; number the classes from 0, divide a mask of 0 and 255 by 255, or pass ignoreLabel' : '';
  return { least: 0, most, what: `class indices in ${name}`, cure };
}

/** The error message for a value out of range; null for others. */
export function outsideRange({ least, most, what, cure }: IntRange, value: number): string | null {
  if (value >= least && value <= most) return null;
  const range = least === most ? `be ${least}` : most === Infinity ? `be >= ${least}` : `lie in ${least}..${most}`;
  return `${what} must ${range}, got ${value}${cure}`;
}

/**
 * Refuses indices that name no class, and values of int32 masks other than 0 and 1, in pixels that count. It reads
 * them.
 */
export function checkInts(
  tensor: Tensor,
  range: IntRange,
  kind: LabelKind,
  weights: Tensor | null,
  layout: Layout,
): void {
  if (tensor.dtype !== 'int32') return;
  const data = toLabelPixels(tensor, kind, layout).dataSync();
  const counts = weights?.dataSync();
  const channels = data.length / (layout.samples * layout.pixels);
  data.forEach((value, i) => {
    if (counts && !(counts[Math.floor(i / channels)]! > 0)) return;
    const message = outsideRange(range, value);
    if (message) fail(message);
  });
}
