/** The values that int32 tensors may hold: checked by the functions that read tensors anyway. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { fail } from '../checks.js';
import { toLabelPixels, type LabelKind, type Layout } from '../kernels/layout.js';

/** The values that an int32 tensor may hold where its pixels count. */
export type IntRange = {
  least: number;
  most: number;
  /** A name for the values, and advice, for the error. */
  what: string;
  cure: string;
};

/** `most`: the largest index, where it is not that of the last class. */
export function intRange(name: string, kind: LabelKind, classes: number, most = Math.max(classes - 1, 1)): IntRange {
  if (kind === 'soft') return { least: 0, most: 1, what: `int32 ${name} with a class axis are masks, which`, cure: '' };
  const cure =
    name === 'labels' ? '; number the classes from 0, divide a mask of 0 and 255 by 255, or pass ignoreLabel' : '';
  return { least: 0, most, what: `class indices in ${name}`, cure };
}

/** The rule that a value breaks, or null. */
export function outsideRange({ least, most, what, cure }: IntRange, value: number): string | null {
  if (value >= least && value <= most) return null;
  const range = least === most ? `be ${least}` : most === Infinity ? `be >= ${least}` : `lie in ${least}..${most}`;
  return `${what} must ${range}, got ${value}${cure}`;
}

/** Refuses indices of no class, and values of int32 masks other than 0 and 1, where pixels count. Reads them. */
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
