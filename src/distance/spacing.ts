import { checkNumber, fail, show, showShape } from '../checks.js';

/** The distance of neighbouring pixels: the same along every spatial axis, or one for each, in their order. */
export type Spacing = number | readonly number[];

/** One number > 0 for each spatial axis; there has to be one. */
export function resolveSpacing(fn: string, spacing: unknown, spatial: readonly number[]): number[] {
  if (spatial.length === 0) fail(fn, 'needs at least one spatial axis to measure along');
  if (!Array.isArray(spacing)) {
    checkNumber(fn, 'spacing', spacing, { least: 0, open: true });
    return spatial.map(() => spacing as number);
  }
  if (spacing.length !== spatial.length) {
    const axes = `one for each of the spatial axes ${showShape(spatial)}`;
    fail(fn, `spacing must be a number or a list of ${spatial.length} numbers, ${axes}, got ${show(spacing)}`);
  }
  spacing.forEach((step, axis) => checkNumber(fn, `spacing[${axis}]`, step, { least: 0, open: true }));
  return spacing as number[];
}
