import { distancesToOtherSide, INSIDE, type Side } from './sides.js';

/**
 * The signed distances: d outside and -(d - h) inside, with d the distance to the nearest pixel of the other side and h
 * the smallest spacing of the axes that have more than one pixel. Null if there is only one side.
 */
export function signedMap(side: Side, spatial: readonly number[], spacing: readonly number[]): Float64Array | null {
  const smallest = spacing.reduce(
    (least, step, axis) => (spatial[axis]! > 1 ? Math.min(least, step) : least),
    Infinity,
  );
  const distances = distancesToOtherSide(side, spatial, spacing);
  if (!distances) return null;
  for (let i = 0; i < side.length; i++) if (side[i] === INSIDE) distances[i] = smallest - distances[i]!;
  return distances;
}
