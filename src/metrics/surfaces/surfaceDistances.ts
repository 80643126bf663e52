/** Distances between the surfaces of two masks: the geometry of the surface scores, in plain numbers. */
import { squaredDistances } from '../../distance/squaredDistances.js';
import type { Side } from '../../distance/sides.js';

export interface SurfaceDistances {
  /**
   * From each pixel of the predicted surface to the nearest pixel of the labelled surface; Infinity if that is empty.
   */
  fromPredicted: Float64Array;
  /** From each pixel of the labelled surface to the nearest pixel of the predicted surface. */
  fromLabelled: Float64Array;
}

export function surfaceDistances(
  labelled: Side,
  predicted: Side,
  spatial: readonly number[],
  spacing: readonly number[],
): SurfaceDistances {
  const surfaces = [surfaceOf(labelled, spatial), surfaceOf(predicted, spatial)];
  const box = boxAround(surfaces, spatial);
  const [truth, answer] = surfaces.map((surface) => cut(surface, spatial, box)) as [Side, Side];
  const sizes = box.map(({ from, to }) => to - from);
  return {
    fromPredicted: distancesBetween(answer, truth, sizes, spacing),
    fromLabelled: distancesBetween(truth, answer, sizes, spacing),
  };
}

/**
 * The pixels of a mask that have a neighbour along an axis that is not in the mask. Pixels outside the image are never
 * in the mask.
 */
function surfaceOf(mask: Side, spatial: readonly number[]): Side {
  const surface = new Uint8Array(mask.length);
  let stride = 1;
  for (let axis = spatial.length - 1; axis >= 0; axis--) {
    const length = spatial[axis]! * stride;
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i] || surface[i]) continue;
      const place = i % length;
      const atEdge = place < stride || place >= length - stride;
      if (atEdge || !mask[i - stride] || !mask[i + stride]) surface[i] = 1;
    }
    stride = length;
  }
  return surface;
}

interface Interval {
  from: number;
  to: number;
}

/**
 * The box that encloses all surfaces, as an interval along each axis; empty if there is no surface. Distances between
 * surfaces are the same within the box as in the whole image.
 */
function boxAround(surfaces: readonly Side[], spatial: readonly number[]): Interval[] {
  let stride = surfaces[0]!.length;
  return spatial.map((size) => {
    stride /= size;
    let [from, to] = [size, 0];
    for (const surface of surfaces) {
      for (let i = 0; i < surface.length; i++) {
        if (!surface[i]) continue;
        const place = Math.floor(i / stride) % size;
        from = Math.min(from, place);
        to = Math.max(to, place + 1);
      }
    }
    return { from: Math.min(from, to), to };
  });
}

function cut(surface: Side, spatial: readonly number[], box: readonly Interval[]): Side {
  let part = surface;
  let outer = 1;
  let inner = surface.length;
  box.forEach(({ from, to }, axis) => {
    const size = spatial[axis]!;
    inner /= size;
    const whole = part;
    part = new Uint8Array(outer * (to - from) * inner);
    for (let o = 0; o < outer; o++) {
      part.set(whole.subarray((o * size + from) * inner, (o * size + to) * inner), o * (to - from) * inner);
    }
    outer *= to - from;
  });
  return part;
}

/** The distance from each pixel of one surface to the nearest pixel of the other. */
function distancesBetween(from: Side, to: Side, sizes: readonly number[], spacing: readonly number[]): Float64Array {
  const squared = squaredDistances(to, sizes, spacing);
  return squared.filter((_, i) => from[i] === 1).map(Math.sqrt);
}
