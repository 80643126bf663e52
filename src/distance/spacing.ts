import { checkNumber, checkNumberList, fail, showShape } from '../checks.js';

/** The distance of neighbouring pixels: the same along every spatial axis, or one for each, in their order. */
export type Spacing = number | readonly number[];

/** One number > 0 for each spatial axis; there has to be one. */
export function resolveSpacing(spacing: unknown, spatial: readonly number[]): number[] {
  if (spatial.length === 0) fail('needs at least one spatial axis to measure along');
  const range = { least: 0, open: true };
  if (typeof spacing === 'number') {
    checkNumber('spacing', spacing, range);
    return spatial.map(() => spacing);
  }
  const wanted = `a number or a list of ${spatial.length} numbers, one for each of the spatial axes ${showShape(spatial)}`;
  return checkNumberList('spacing', spacing, wanted, spatial.length, range);
}
