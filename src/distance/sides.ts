/** On which side of a class's border each pixel lies, and how far it is to the other side. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { toLabelPixels, type LabelKind, type Layout } from '../kernels/layout.js';
import { squaredDistances } from './squaredDistances.js';

const OUTSIDE = 0;
export const INSIDE = 1;
/** Neither: the pixel does not count, so no distance is measured to it or from it. */
const NOWHERE = 2;

/** From this value on (itself not included) a soft label or a probability is inside. */
const THRESHOLD = 0.5;

/** One value for every pixel of a sample, [P]. */
export type Side = Uint8Array<ArrayBuffer>;

export interface Sides {
  of(sample: number, c: number): Side;
}

/** Where labels or probabilities are above 0.5, or class indices are those of the class. Reads them back. */
export function sidesOf(values: Tensor, kind: LabelKind, weights: Tensor | null, layout: Layout): Sides {
  const { classes } = layout;
  const data = toLabelPixels(values, kind, layout).dataSync();
  // A single class is where the index is 1, as a mask is.
  if (kind === 'indices') return sidesWhere((pixel, c) => data[pixel] === (classes === 1 ? 1 : c), weights, layout);
  return sidesWhere((pixel, c) => data[pixel * classes + c]! > THRESHOLD, weights, layout);
}

/** `inside` gets the number of a pixel in [N,P]. `weights` [N,P,1] say which pixels count; null for all. */
export function sidesWhere(
  inside: (pixel: number, c: number) => boolean,
  weights: Tensor | null,
  { pixels }: Layout,
): Sides {
  const counts = weights?.dataSync();
  return {
    of(sample, c) {
      const side = new Uint8Array(pixels);
      for (let i = 0, pixel = sample * pixels; i < pixels; i++, pixel++) {
        side[i] = counts && !(counts[pixel]! > 0) ? NOWHERE : inside(pixel, c) ? INSIDE : OUTSIDE;
      }
      return side;
    },
  };
}

/**
 * For every pixel the distance to the nearest pixel of the other side, from centre to centre; 0 for those that do not
 * count. Null where there is only one side, so that there is no border.
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

/** Maps of the classes that take part as one array [N,P,C]; 0 for the other classes, and where f gives null. */
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
