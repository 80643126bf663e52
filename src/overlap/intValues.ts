/** What int32 tensors may hold: checked by the functions that read tensors anyway. */
import type { LabelKind } from '../kernels/layout.js';

/** The values that an int32 tensor may hold where its pixels count. */
export type IntRange = {
  least: number;
  most: number;
  /** What the values are, and what may help, for the error. */
  what: string;
  cure: string;
};

/** `most`: the largest index, where it is not that of the last class. */
export function intRange(name: string, kind: LabelKind, classes: number, most = Math.max(classes - 1, 1)): IntRange {
  if (kind === 'soft') return { least: 0, most: 1, what: `int32 ${name} with a class axis are masks, which`, cure: '' };
  const cure = name === 'labels' ? '; leave pixels of no class out with ignoreLabel or a mask' : '';
  return { least: 0, most, what: `class indices in ${name}`, cure };
}

/** What is wrong with a value, or null. */
export function outsideRange({ least, most, what, cure }: IntRange, value: number): string | null {
  if (value >= least && value <= most) return null;
  const range = least === most ? `be ${least}` : most === Infinity ? `be >= ${least}` : `lie in ${least}..${most}`;
  return `${what} must ${range}, got ${value}${cure}`;
}
