import { checkNumber, checkNumberList, fail, showShape } from '../checks.js';

/** The distance between neighbouring pixels: one number for all spatial axes, or one for each, in their order. */
export type Spacing = number | readonly number[];

/** Checks the spacing, and gives one number > 0 for each spatial axis. There must be at least one axis. */
export function resolveSpacing(spacing: unknown, spatial: readonly number[]): number[] {
  if (spatial.length === 0) fail('needs at least one spatial axis to measure along');
  const range = { least: 0, open: true };
  if (typeof spacing === 'number') {
    checkNumber('spacing', spacing, range);
    return spatial.map(() => spacing);
  }
  const axes = `one for each of the spatial axes ${showShape(spatial)}`;
  const wanted = `a number or a list of ${spatial.length} numbers, ${axes}`;
  return checkNumberList('spacing', spacing, wanted, spatial.length, range);
}
