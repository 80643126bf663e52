/**
 * The exact Euclidean distance transform of Felzenszwalb & Huttenlocher (Theory of Computing 2012): axis by axis, each
 * line of pixels becomes the lower envelope of the parabolas that stand on its pixels. It takes time linear in the
 * number of pixels, in float64.
 */
import { largest } from '../extremes.js';

/**
 * The squared distance from every pixel to the nearest seed (a pixel whose value is not 0), or Infinity without a seed.
 *
 * @param shape the sizes of the axes, in row-major order
 * @param spacing the distance between neighbouring pixels, for each axis
 */
export function squaredDistances(
  seeds: Uint8Array,
  shape: readonly number[],
  spacing: readonly number[],
): Float64Array<ArrayBuffer> {
  const distances = new Float64Array(seeds.length);
  for (let i = 0; i < seeds.length; i++) distances[i] = seeds[i] ? 0 : Infinity;
  const scratch = scratchFor(Math.max(1, largest(shape)));
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    for (let start = 0; size > 1 && start < seeds.length; start += size * stride) {
      for (let i = 0; i < stride; i++) transformLine(distances, start + i, size, stride, spacing[axis]! ** 2, scratch);
    }
    stride *= size;
  }
  return distances;
}

interface Scratch {
  /** The heights of the parabolas of a line. */
  heights: Float64Array;
  /** The places of the parabolas of the envelope. */
  places: Int32Array;
  /** The position from which each of them is the lowest. */
  from: Float64Array;
}

function scratchFor(size: number): Scratch {
  return { heights: new Float64Array(size), places: new Int32Array(size), from: new Float64Array(size + 1) };
}

/** Replaces each value at q by the smallest h²(q - p)² + value(p) over the places p of its line. */
function transformLine(
  values: Float64Array,
  start: number,
  size: number,
  stride: number,
  squaredSpacing: number,
  { heights, places, from }: Scratch,
): void {
  let last = -1;
  for (let q = 0, at = start; q < size; q++, at += stride) {
    const height = values[at]!;
    heights[q] = height;
    if (height === Infinity) continue;
    let crossing = -Infinity;
    while (last >= 0) {
      const p = places[last]!;
      crossing = (height - heights[p]!) / (2 * squaredSpacing * (q - p)) + (q + p) / 2;
      if (crossing > from[last]!) break;
      last--;
    }
    last++;
    places[last] = q;
    from[last] = last === 0 ? -Infinity : crossing;
  }
  if (last < 0) return; // no seed yet
  from[last + 1] = Infinity;
  for (let q = 0, k = 0, at = start; q < size; q++, at += stride) {
    while (from[k + 1]! < q) k++;
    const p = places[k]!;
    values[at] = squaredSpacing * (q - p) * (q - p) + heights[p]!;
  }
}
