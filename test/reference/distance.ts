/** Distances, losses on shapes and surface scores, from their definitions, comparing every pixel with every other. */
import { at, scalar, sizeOf, sum, zeros, type NdArray } from './ndarray.js';
import { isBinary, readPixels, type PixelOptions } from './pixels.js';
import type { ClassOptions } from './losses.js';

export type Spacing = number | readonly number[];

/** The values of one sample and class. `counts` is false for pixels that do not count. */
interface Plane {
  shape: number[];
  values: number[];
  counts: boolean[];
}

const knownCoordinates = new Map<string, number[][]>();

function coordinates(index: number, shape: readonly number[]): number[] {
  const key = shape.join();
  let all = knownCoordinates.get(key);
  if (!all) knownCoordinates.set(key, (all = Array.from({ length: sizeOf(shape) }, (_, i) => placeOf(i, shape))));
  return at2(all, index);
}

function placeOf(index: number, shape: readonly number[]): number[] {
  const place: number[] = [];
  let rest = index;
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return place;
}

function distanceBetween(a: number, b: number, shape: readonly number[], spacing: Spacing): number {
  const [from, to] = [coordinates(a, shape), coordinates(b, shape)];
  const steps = from.map((x, axis) => (x - at(to, axis)) * stepAlong(spacing, axis));
  return Math.hypot(...steps);
}

function stepAlong(spacing: Spacing, axis: number): number {
  return typeof spacing === 'number' ? spacing : at(spacing, axis);
}

/** The distance from a pixel to the nearest pixel of a set; Infinity if the set is empty. */
function nearest(from: number, set: readonly number[], shape: readonly number[], spacing: Spacing): number {
  return set.reduce((least, to) => Math.min(least, distanceBetween(from, to, shape, spacing)), Infinity);
}

const indicesWhere = (values: readonly boolean[]) => values.flatMap((value, i) => (value ? [i] : []));

/** Gives [N, ...spatial]. */
export function distanceTransform(mask: NdArray, { spacing = 1 }: { spacing?: Spacing } = {}): NdArray {
  const [samples = 0, ...shape] = mask.shape;
  const pixels = sizeOf(shape);
  const result = zeros(mask.shape);
  for (let n = 0; n < samples; n++) {
    const set = Array.from({ length: pixels }, (_, i) => at(mask.data, n * pixels + i) > 0.5);
    const unset = indicesWhere(set.map((value) => !value));
    set.forEach((value, i) => (result.data[n * pixels + i] = value ? nearest(i, unset, shape, spacing) : 0));
  }
  return result;
}

/** Distances of each pixel that counts to the other side of the border at 0.5; null without a border. */
function toOtherSide({ shape, values, counts }: Plane, spacing: Spacing): number[] | null {
  const inside = indicesWhere(values.map((value, i) => at2(counts, i) && value > 0.5));
  const outside = indicesWhere(values.map((value, i) => at2(counts, i) && !(value > 0.5)));
  if (inside.length === 0 || outside.length === 0) return null;
  return values.map((value, i) => {
    if (!at2(counts, i)) return 0;
    return nearest(i, value > 0.5 ? outside : inside, shape, spacing);
  });
}

function at2<T>(values: readonly T[], i: number): T {
  const value = values[i];
  if (value === undefined) throw new Error(`no ${i}`);
  return value;
}

function signedMap(plane: Plane, spacing: Spacing): number[] {
  const distances = toOtherSide(plane, spacing);
  if (!distances) return plane.values.map(() => 0);
  const extended = plane.shape.flatMap((size, axis) => (size > 1 ? [stepAlong(spacing, axis)] : []));
  const smallest = Math.min(...extended);
  return distances.map((d, i) => (!at2(plane.counts, i) ? 0 : at2(plane.values, i) > 0.5 ? -(d - smallest) : d));
}

/** The labels and probabilities of one sample and class, and the pixels' weights. */
interface Maps {
  labels: Plane;
  probabilities: Plane;
  weights: number[];
}

interface AllMaps {
  samples: number;
  classes: number;
  spatial: number[];
  binary: boolean;
  of(sample: number, c: number): Maps;
}

function readMaps(labels: NdArray, predictions: NdArray, options: PixelOptions): AllMaps {
  const { pixels, sampleCount, classCount, spatialShape, activation } = readPixels(labels, predictions, options);
  const size = sizeOf(spatialShape);
  const bySample = Array.from({ length: sampleCount }, (_, n) => pixels.filter(({ sample }) => sample === n));
  return {
    samples: sampleCount,
    classes: classCount,
    spatial: spatialShape,
    binary: isBinary(activation, classCount),
    of(sample, c) {
      const weights = Array.from({ length: size }, () => 0);
      const [t, p] = [weights.slice(), weights.slice()];
      for (const pixel of at2(bySample, sample)) {
        weights[pixel.position] = pixel.weight;
        t[pixel.position] = at(pixel.labels, c);
        p[pixel.position] = at(pixel.probabilities, c);
      }
      const counts = weights.map((w) => w > 0);
      const plane = (values: number[]): Plane => ({ shape: spatialShape, values, counts });
      return { labels: plane(t), probabilities: plane(p), weights };
    },
  };
}

/** Has the shape of the predictions, classes last. */
export function signedDistance(
  labels: NdArray,
  { spacing = 1, ...options }: PixelOptions & { spacing?: Spacing } = {},
): NdArray {
  const maps = readMaps(labels, zeros(labels.shape), { ...options, activation: 'none' });
  const result = zeros([maps.samples, ...maps.spatial, maps.classes]);
  const pixels = sizeOf(maps.spatial);
  for (let n = 0; n < maps.samples; n++) {
    for (let c = 0; c < maps.classes; c++) {
      signedMap(maps.of(n, c).labels, spacing).forEach((value, i) => {
        result.data[(n * pixels + i) * maps.classes + c] = value;
      });
    }
  }
  return result;
}

export interface ShapeLossOptions extends PixelOptions, ClassOptions {
  spacing?: Spacing;
}

/** Reduces a value for each sample and class; null stands for one that does not count. */
function reduce(maps: AllMaps, options: ShapeLossOptions, valueOf: (maps: Maps) => number | null): NdArray {
  const { reduction = 'mean', classWeights } = options;
  const foreground = maps.classes > 1 && options.activation !== 'sigmoid';
  const included = (c: number) =>
    options.classes === undefined ? !(foreground && c === 0) : options.classes === 'all' || options.classes.includes(c);
  const terms = zeros([maps.samples, maps.classes]);
  const samples = zeros([maps.samples]);
  let counted = 0;
  for (let n = 0; n < maps.samples; n++) {
    let total = 0;
    for (let c = 0; c < maps.classes; c++) {
      const each = maps.of(n, c);
      if (!included(c) || sum(each.weights) === 0) continue;
      const value = valueOf(each);
      if (value === null) continue;
      const weight = classWeights ? at(classWeights, c) : 1;
      terms.data[n * maps.classes + c] = weight * value;
      samples.data[n]! += weight * value;
      total += weight;
    }
    if (total > 0) counted++;
    samples.data[n] = total > 0 ? at(samples.data, n) / total : 0;
  }
  if (reduction === 'none') return terms;
  if (reduction === 'sum') return scalar(sum(terms.data));
  if (reduction === 'sample') return samples;
  return scalar(counted > 0 ? sum(samples.data) / counted : 0);
}

const mean = (values: readonly number[], weights: readonly number[]) =>
  sum(values.map((value, i) => value * at(weights, i))) / sum(weights);

export function boundaryLoss(labels: NdArray, predictions: NdArray, options: ShapeLossOptions = {}): NdArray {
  return reduce(readMaps(labels, predictions, options), options, ({ labels: t, probabilities: p, weights }) => {
    const distances = signedMap(t, options.spacing ?? 1);
    return mean(
      distances.map((d, i) => d * at(p.values, i)),
      weights,
    );
  });
}

export function hausdorffLoss(
  labels: NdArray,
  predictions: NdArray,
  options: ShapeLossOptions & { alpha?: number } = {},
): NdArray {
  const { alpha = 2, spacing = 1 } = options;
  return reduce(readMaps(labels, predictions, options), options, ({ labels: t, probabilities: p, weights }) => {
    const [ofLabel, ofPrediction] = [toOtherSide(t, spacing), toOtherSide(p, spacing)];
    const errors = t.values.map((label, i) => {
      const power = (ofLabel ? at(ofLabel, i) ** alpha : 0) + (ofPrediction ? at(ofPrediction, i) ** alpha : 0);
      return (at(p.values, i) - label) ** 2 * power;
    });
    return mean(errors, weights);
  });
}

interface Neighbourhoods {
  /** The pixels that count. The other fields hold each pixel's neighbours, including itself. */
  all: number[];
  inCross: number[][];
  inCube: number[][];
}

const knownNeighbourhoods = new Map<string, Neighbourhoods>();

function neighbourhoods(shape: readonly number[], counts: readonly boolean[]): Neighbourhoods {
  const key = `${shape.join()}:${counts.map(Number).join('')}`;
  const known = knownNeighbourhoods.get(key);
  if (known) return known;
  const all = indicesWhere(counts);
  const steps = (a: number, b: number) => {
    const [from, to] = [coordinates(a, shape), coordinates(b, shape)];
    return from.map((x, axis) => Math.abs(x - at(to, axis)));
  };
  const found = {
    all,
    inCross: all.map((a) => all.filter((b) => sum(steps(a, b)) <= 1)),
    inCube: all.map((a) => all.filter((b) => Math.max(...steps(a, b)) <= 1)),
  };
  knownNeighbourhoods.set(key, found);
  return found;
}

/** The skeleton of one sample and class. */
function skeletonOf({ shape, values, counts }: Plane, iterations: number): number[] {
  const { all, inCross, inCube } = neighbourhoods(shape, counts);
  const over = (source: readonly number[], sets: number[][], pick: (...values: number[]) => number) => {
    const result = source.slice();
    all.forEach((pixel, k) => (result[pixel] = pick(...at2(sets, k).map((i) => at(source, i)))));
    return result;
  };
  const relu = (x: number) => Math.max(x, 0);

  let current = values;
  let skeleton: number[] | null = null;
  for (let k = 0; k <= iterations; k++) {
    const eroded = over(current, inCross, Math.min);
    const opened = over(eroded, inCube, Math.max);
    const taken = current.map((value, i) => relu(value - at(opened, i)));
    const before: number[] | null = skeleton;
    skeleton = taken.map((value, i) => (before ? at(before, i) + relu(value - at(before, i) * value) : value));
    current = eroded;
  }
  return skeleton!.map((value, i) => (at2(counts, i) ? value : 0));
}

/** Gives [N, ...spatial, C]. */
export function softSkeleton(values: NdArray, { iterations = 3 }: { iterations?: number } = {}): NdArray {
  const maps = readMaps(values, values, { activation: 'none' });
  const result = zeros(values.shape);
  const pixels = sizeOf(maps.spatial);
  for (let n = 0; n < maps.samples; n++) {
    for (let c = 0; c < maps.classes; c++) {
      skeletonOf(maps.of(n, c).probabilities, iterations).forEach((value, i) => {
        result.data[(n * pixels + i) * maps.classes + c] = value;
      });
    }
  }
  return result;
}

export function clDiceLoss(
  labels: NdArray,
  predictions: NdArray,
  options: ShapeLossOptions & { iterations?: number; smooth?: number; absent?: 'skip' | 'penalize' | 'smooth' } = {},
): NdArray {
  const { iterations = 3, smooth = 1 } = options;
  const maps = readMaps(labels, predictions, options);
  const absent = options.absent ?? (maps.binary ? 'penalize' : 'skip');
  return reduce(maps, options, ({ labels: t, probabilities: p, weights }) => {
    const total = (values: readonly number[]) => sum(values.map((value, i) => value * at(weights, i)));
    if (total(t.values) === 0 && absent !== 'smooth') return absent === 'skip' ? null : mean(p.values, weights);
    const [ofLabel, ofPrediction] = [skeletonOf(t, iterations), skeletonOf(p, iterations)];
    const share = (skeleton: readonly number[], other: Plane) => {
      const whole = total(skeleton) + smooth;
      return whole === 0 ? 1 : (total(skeleton.map((value, i) => value * at(other.values, i))) + smooth) / whole;
    };
    const [precision, sensitivity] = [share(ofPrediction, t), share(ofLabel, p)];
    return 1 - (precision + sensitivity === 0 ? 0 : (2 * precision * sensitivity) / (precision + sensitivity));
  });
}

/** The distances from each surface pixel of two masks to the other surface. */
export function surfaceDistances(
  labelled: readonly boolean[],
  predicted: readonly boolean[],
  shape: readonly number[],
  spacing: Spacing,
): { fromLabelled: number[]; fromPredicted: number[] } {
  const surface = (mask: readonly boolean[]) =>
    indicesWhere(mask).filter((pixel) =>
      shape.some((size, axis) => {
        const stride = sizeOf(shape.slice(axis + 1));
        const place = at(coordinates(pixel, shape), axis);
        return place === 0 || place === size - 1 || !mask[pixel - stride] || !mask[pixel + stride];
      }),
    );
  const [truth, answer] = [surface(labelled), surface(predicted)];
  return {
    fromLabelled: truth.map((pixel) => nearest(pixel, answer, shape, spacing)),
    fromPredicted: answer.map((pixel) => nearest(pixel, truth, shape, spacing)),
  };
}
