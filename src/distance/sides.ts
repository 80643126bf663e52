/** The side of a class's border on which each pixel lies, and the distance to the other side. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { toLabelPixels, type LabelKind, type Layout } from '../kernels/layout.js';
import { squaredDistances } from './squaredDistances.js';

const OUTSIDE = 0;
export const INSIDE = 1;
/** The side of a pixel that does not count: no distance is measured to it or from it. */
const NOWHERE = 2;

/** Soft labels and probabilities above this value are inside. */
const THRESHOLD = 0.5;

/** The sides of the pixels of a sample, [P]: OUTSIDE, INSIDE or NOWHERE. */
export type Side = Uint8Array<ArrayBuffer>;

export interface Sides {
  /** The sides of the pixels of a sample with respect to class c. */
  at(sample: number, c: number): Side;
}

/**
 * The sides of pixels by their values: labels or probabilities above 0.5, or the index of the class, are inside. It
 * reads the values back.
 */
export function sidesOf(values: Tensor, kind: LabelKind, weights: Tensor | null, layout: Layout): Sides {
  const { classes } = layout;
  const data = toLabelPixels(values, kind, layout).dataSync();
  // With a single class, index 1 is inside, as in a mask.
  if (kind === 'indices') return sidesWhere((pixel, c) => data[pixel] === (classes === 1 ? 1 : c), weights, layout);
  return sidesWhere((pixel, c) => data[pixel * classes + c]! > THRESHOLD, weights, layout);
}

/**
 * The sides of pixels by a function.
 *
 * @param inside says whether a pixel is inside a class; `pixel` is its number in [N,P]
 * @param weights [N,P,1], above 0 for pixels that count; null if all count
 */
export function sidesWhere(
  inside: (pixel: number, c: number) => boolean,
  weights: Tensor | null,
  { pixels }: Layout,
): Sides {
  const counts = weights?.dataSync();
  return {
    at(sample, c) {
      const side = new Uint8Array(pixels);
      for (let i = 0, pixel = sample * pixels; i < pixels; i++, pixel++) {
        side[i] = counts && !(counts[pixel]! > 0) ? NOWHERE : inside(pixel, c) ? INSIDE : OUTSIDE;
      }
      return side;
    },
  };
}

/**
 * The distance from every pixel to the nearest pixel of the other side, from centre to centre; 0 for pixels that do not
 * count. Null if there is only one side, and so no border.
 */
export function distancesToOtherSide(
  side: Side,
  spatial: readonly number[],
  spacing: readonly number[],
): Float64Array | null {
  if (!side.includes(INSIDE) || !side.includes(OUTSIDE)) return null;
  const toInside = squaredDistances(seedsWhere(side, INSIDE), spatial, spacing);
  const toOutside = squaredDistances(seedsWhere(side, OUTSIDE), spatial, spacing);
  const distances = new Float64Array(side.length);
  for (let i = 0; i < side.length; i++) {
    if (side[i] === OUTSIDE) distances[i] = Math.sqrt(toInside[i]!);
    if (side[i] === INSIDE) distances[i] = Math.sqrt(toOutside[i]!);
  }
  return distances;
}

function seedsWhere(side: Side, value: number): Side {
  const seeds = new Uint8Array(side.length);
  for (let i = 0; i < side.length; i++) seeds[i] = side[i] === value ? 1 : 0;
  return seeds;
}

/**
 * The maps `f(sample, c)` of the included classes as one array [N,P,C]; 0 for other classes, and where f gives null.
 */
export function classMaps(
  { samples, pixels, classes }: Layout,
  included: readonly number[],
  f: (sample: number, c: number) => Float64Array | null,
): Float32Array {
  const all = new Float32Array(samples * pixels * classes);
  for (let n = 0; n < samples; n++) {
    for (let c = 0; c < classes; c++) {
      const map = included[c] ? f(n, c) : null;
      map?.forEach((value, i) => (all[(n * pixels + i) * classes + c] = value));
    }
  }
  return all;
}
