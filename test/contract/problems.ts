/** Problems of every size, layout and kind for the passes, and their results, computed pixel by pixel in float64. */
import * as tf from '@tensorflow/tfjs-core';
import { checkAxis } from '../../src/checks.js';
import { PASS_SUMS, type PassAttributes, type PassInputs } from '../../src/kernels/contract.js';
import { layoutOf } from '../../src/kernels/layout.js';
import type { NdArray } from '../reference/index.js';
import { entropiesOf, probabilitiesOf, summandsOf } from '../reference/passes.js';
import { randomNumbers } from '../support/random.js';
import { remembered } from '../support/remembered.js';

export type LabelKind = 'float32' | 'int32' | 'bool' | 'indices';
export type Weights = 'all pixels' | 'a mask' | 'weights';
/** Where the class axis is. */
export type Place = 'last' | 'first' | 'between';

interface Size {
  samples: number;
  pixels: number;
  classes: number;
}

export interface ProblemOf extends Size {
  labelKind: LabelKind;
  weights: Weights;
  place: Place;
  attributes: PassAttributes;
}

/** The entropy term without any option. */
export const plain = (kind: 'categorical' | 'binary') => ({
  kind,
  labelSmoothing: 0,
  posWeight: null,
  subtractEntropy: false,
  focal: null,
});

export const attributesOf = (activation: PassAttributes['activation'], classes: number): PassAttributes => ({
  activation,
  sharpness: activation === 'none' ? 1 : 1.5,
  entropy: plain(activation === 'softmax' || (activation === 'none' && classes > 1) ? 'categorical' : 'binary'),
});

/** The values of a pixel: C predictions and C labels. */
interface Pixel {
  predictions: number[];
  labels: number[];
  weight: number;
}

export interface Problem extends ProblemOf {
  /** Sample by sample. */
  all: Pixel[][];
  shape: number[];
  axis: number;
}

/** Values that float32 holds exactly, none of them where a derivative is not there (at p = t). */
export function makeProblem(of: ProblemOf, seed = 1): Problem {
  const { samples, pixels, classes, labelKind, weights, place, attributes } = of;
  const random = randomNumbers(seed);
  const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  const prediction = (): number =>
    Math.fround(attributes.activation === 'none' ? 0.03 + 0.94 * random() : 6 * random() - 3);
  const pixel = (): Pixel => {
    const predictions = times(classes, prediction);
    const p = probabilitiesOf(predictions, attributes);
    const weight = { 'all pixels': 1, 'a mask': Number(random() < 0.7), weights: Math.fround(2 * random() - 0.4) }[
      weights
    ];
    return { predictions, labels: labelsOf(labelKind, p, random), weight: Math.max(0, weight) };
  };
  const all = times(samples, () => times(pixels, pixel));
  const shapes = {
    last: [samples, pixels, classes],
    first: [samples, classes, pixels],
    // Pixels in two rows as a spatial axis before the classes and one after them.
    between: [samples, pixels, classes, 1],
  };
  return { ...of, all, shape: shapes[place], axis: { last: 2, first: 1, between: 2 }[place] };
}

function labelsOf(kind: LabelKind, p: readonly number[], random: () => number): number[] {
  if (kind === 'indices') {
    const index = Math.floor(random() * Math.max(2, p.length));
    return p.map((_, c) => Number(index === (p.length === 1 ? 1 : c)));
  }
  if (kind !== 'float32') return p.map(() => Number(random() < 0.4));
  return p.map((value) => {
    const t = 0.02 + 0.95 * random();
    return Math.fround(Math.abs(value - t) < 0.005 ? t + 0.01 : t);
  });
}

/** [N,P,C] in the problem's layout. */
function inLayout({ all, place, classes, pixels }: Problem, value: (pixel: Pixel, c: number) => number): number[] {
  const values: number[] = [];
  for (const sample of all) {
    if (place === 'first') for (let c = 0; c < classes; c++) for (const pixel of sample) values.push(value(pixel, c));
    else for (const pixel of sample) for (let c = 0; c < classes; c++) values.push(value(pixel, c));
  }
  if (values.length !== all.length * pixels * classes) throw new Error('a problem with missing values');
  return values;
}

export function inputsOf(problem: Problem): PassInputs {
  const { all, shape, axis, samples, pixels, classes, labelKind } = problem;
  const soft = inLayout(problem, ({ labels }, c) => labels[c]!);
  const perPixel = (value: (pixel: Pixel) => number) => all.flatMap((sample) => sample.map(value));
  const index = ({ labels }: Pixel): number => (classes === 1 ? labels[0]! : labels.indexOf(1));
  const labels =
    labelKind === 'indices'
      ? tf.tensor2d(perPixel(index), [samples, pixels], 'int32')
      : tf.tensor(labelKind === 'bool' ? soft.map(Boolean) : soft, shape, labelKind);
  const weights = perPixel(({ weight }) => weight);
  return {
    labels,
    labelKind: labelKind === 'indices' ? 'indices' : 'soft',
    predictions: tf.tensor(
      inLayout(problem, ({ predictions }, c) => predictions[c]!),
      shape,
      'float32',
    ),
    weights: problem.weights === 'all pixels' ? null : tf.tensor3d(weights, [samples, pixels, 1]),
    layout: layoutOf(shape, checkAxis(axis, shape, 'axis', 1)),
  };
}

/** [8,N,C]. */
export function expectedSums(problem: Problem): NdArray {
  return remembered(problem, () => sumsOf(problem));
}

function sumsOf({ all, samples, classes, attributes }: Problem): NdArray {
  const data = new Float64Array(PASS_SUMS.length * samples * classes);
  all.forEach((sample, n) => {
    for (const { predictions, labels, weight } of sample)
      summandsOf(predictions, labels, attributes).forEach((row, s) =>
        row.forEach((value, c) => (data[(s * samples + n) * classes + c]! += weight === 0 ? 0 : weight * value)),
      );
  });
  return { shape: [PASS_SUMS.length, samples, classes], data };
}

/** [N,P]. */
export function expectedMap({ all, samples, pixels, attributes }: Problem, coefficients: readonly number[]): NdArray {
  const values = all.flatMap((sample) =>
    sample.map(({ predictions, labels, weight }) => {
      const terms = entropiesOf(predictions, labels, attributes);
      return weight * terms.reduce((sum, term, c) => sum + coefficients[c]! * term, 0);
    }),
  );
  return { shape: [samples, pixels], data: Float64Array.from(values) };
}

/** The contribution of a pixel to Σ dy·result. */
type PixelTotal = (pixel: Pixel, n: number, i: number) => number;

export const totalOfSums =
  ({ samples, classes, attributes }: Problem, dy: readonly number[]): PixelTotal =>
  ({ predictions, labels, weight }, n) => {
    if (weight === 0) return 0;
    let total = 0;
    summandsOf(predictions, labels, attributes).forEach((row, s) =>
      row.forEach((value, c) => (total += dy[(s * samples + n) * classes + c]! * value)),
    );
    return weight * total;
  };

export const totalOfMap =
  ({ pixels, attributes }: Problem, coefficients: readonly number[], dy: readonly number[]): PixelTotal =>
  ({ predictions, labels, weight }, n, i) => {
    const terms = entropiesOf(predictions, labels, attributes);
    return dy[n * pixels + i]! * weight * terms.reduce((sum, term, c) => sum + coefficients[c]! * term, 0);
  };

/** A pixel's values stand in one of these. */
export type Side = 'predictions' | 'labels';

const moved = (pixel: Pixel, side: Side, by: (c: number) => number): Pixel => ({
  ...pixel,
  [side]: pixel[side].map((value, c) => value + by(c)),
});

/** The derivative of a pixel's total along a direction of one side. */
const slopeAlong = (total: (pixel: Pixel) => number, side: Side, direction: (c: number) => number, step: number) => {
  return (pixel: Pixel): number => {
    const above = total(moved(pixel, side, (c) => step * direction(c)));
    const below = total(moved(pixel, side, (c) => -step * direction(c)));
    return (above - below) / (2 * step);
  };
};

/**
 * Central differences, pixel by pixel, in the problem's layout: of the total, or of its derivative along `direction`.
 * Where there are many values, of some pixels only, among them those at the edges of vectors and rows; NaN elsewhere.
 */
export function expectedGradient(
  problem: Problem,
  total: PixelTotal,
  side: Side,
  along?: { side: Side; direction: readonly number[] },
): NdArray {
  return remembered([problem, side, along], () => gradientOf(problem, total, side, along));
}

function gradientOf(
  problem: Problem,
  total: PixelTotal,
  side: Side,
  along?: { side: Side; direction: readonly number[] },
): NdArray {
  const { all, shape, pixels, classes } = problem;
  const step = along ? 1e-4 : 1e-6;
  const slopes = new Map<Pixel, number[]>();
  const chosen = [0, 15, 16, 63, 64, pixels - 1];
  all.forEach((sample, n) =>
    sample.forEach((pixel, i) => {
      if (pixels * classes > 200 && !chosen.includes(i))
        return void slopes.set(pixel, Array<number>(classes).fill(NaN));
      const own = (moved: Pixel) => total(moved, n, i);
      const of = along
        ? slopeAlong(own, along.side, (c) => along.direction[(n * pixels + i) * classes + c]!, step)
        : own;
      const one = (k: number) => slopeAlong(of, side, (c) => Number(c === k), step)(pixel);
      slopes.set(
        pixel,
        Array.from({ length: classes }, (_, k) => one(k)),
      );
    }),
  );
  return { shape, data: Float64Array.from(inLayout(problem, (pixel, c) => slopes.get(pixel)![c]!)) };
}

/** Values [N,P,C] as a tensor in the problem's layout. */
export function tensorInLayout(
  { place, samples, pixels, classes, shape }: Problem,
  values: readonly number[],
): tf.Tensor {
  const last = tf.tensor3d([...values], [samples, pixels, classes]);
  return tf.reshape(place === 'first' ? tf.transpose(last, [0, 2, 1]) : last, shape);
}

export function someNumbers(count: number, seed: number): number[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => Math.fround(2 * random() - 1));
}
