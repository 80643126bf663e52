/** The Lovász losses from their definition: the extension of a set function, evaluated set by set. */
import { at, scalar, sum, zeros, type NdArray } from './ndarray.js';
import { readPixels, type Pixel, type PixelOptions } from './pixels.js';

export interface LovaszOptions extends PixelOptions {
  classes?: 'present' | 'all' | readonly number[];
  classWeights?: readonly number[];
  aggregate?: 'image' | 'batch';
  reduction?: 'mean' | 'sum' | 'none' | 'sample';
}

/** A pixel of one class: its error, from 0 on, and its probability if it were completely wrong. */
interface Place {
  weight: number;
  label: number;
  error: number;
  wrong: number;
}

export function lovaszSoftmaxLoss(labels: NdArray, predictions: NdArray, options: LovaszOptions = {}): NdArray {
  return lovasz(labels, predictions, options, (pixel, c) => {
    const [p, t] = [at(pixel.probabilities, c), at(pixel.labels, c)];
    const wrong = p > t ? 1 : 0;
    return { weight: pixel.weight, label: t, error: p === t ? 0 : (p - t) / (wrong - t), wrong };
  });
}

export function lovaszHingeLoss(labels: NdArray, predictions: NdArray, options: LovaszOptions = {}): NdArray {
  const sharpness = options.sharpness ?? 1;
  const asLogits = { ...options, sharpness: 1, activation: 'none' as const };
  const given = { ...asLogits, classes: options.classes ?? ('all' as const) };
  return lovasz(labels, predictions, given, (pixel, c) => {
    const [z, t] = [at(pixel.probabilities, c), at(pixel.labels, c)];
    return { weight: pixel.weight, label: t, error: Math.max(0, 1 - sharpness * z * (2 * t - 1)), wrong: 1 - t };
  });
}

function lovasz(
  labels: NdArray,
  predictions: NdArray,
  options: LovaszOptions,
  placeOf: (pixel: Pixel, c: number) => Place,
): NdArray {
  const { sampleCount, classCount, activation, pixels } = readPixels(labels, predictions, options);
  const { aggregate = 'image', reduction = 'mean', classWeights } = options;
  const classes = options.classes ?? (classCount > 1 && activation !== 'sigmoid' ? 'present' : 'all');
  const images = aggregate === 'batch' ? 1 : sampleCount;
  const table = zeros([images, classCount]);
  const weights = zeros([images, classCount]);
  for (let n = 0; n < images; n++) {
    const own = pixels.filter(({ sample }) => aggregate === 'batch' || sample === n);
    for (let c = 0; c < classCount; c++) {
      const places = own.map((pixel) => placeOf(pixel, c));
      const labelled = sum(places.map(({ weight, label }) => weight * label));
      const listed = typeof classes === 'string' || classes.includes(c);
      const counts = own.length > 0 && listed && (classes !== 'present' || labelled > 0);
      weights.data[n * classCount + c] = counts ? (classWeights?.[c] ?? 1) : 0;
      table.data[n * classCount + c] = counts ? extension(places) : 0;
    }
  }
  const weighted = { ...table, data: table.data.map((value, i) => value * at(weights.data, i)) };
  if (reduction === 'none') return weighted;
  if (reduction === 'sum') return scalar(sum(weighted.data));
  const row = (array: NdArray, n: number) => sum(array.data.slice(n * classCount, (n + 1) * classCount));
  const totals = Array.from({ length: images }, (_, n) => row(weights, n));
  const samples = totals.map((total, n) => (total === 0 ? 0 : row(weighted, n) / total));
  if (reduction === 'sample') return { shape: [images], data: Float64Array.from(samples) };
  const counted = totals.filter((total) => total > 0).length;
  return scalar(counted === 0 ? 0 : sum(samples) / counted);
}

/** The Lovász (Choquet) integral ∫ F({error >= θ}) dθ of the Jaccard distance F of sets of wrong pixels. */
export function extension(places: readonly Place[]): number {
  const levels = [...new Set(places.map(({ error }) => error)), 0].sort((a, b) => b - a);
  let integral = 0;
  for (let i = 0; i + 1 < levels.length; i++) {
    const wrong = places.map(({ error }) => error >= at(levels, i));
    integral += (at(levels, i) - at(levels, i + 1)) * jaccardDistance(places, wrong);
  }
  return integral;
}

/** 1 - Σ w min(q, t)/Σ w max(q, t), where q is completely wrong in wrong pixels, and t elsewhere. */
function jaccardDistance(places: readonly Place[], wrong: readonly boolean[]): number {
  const q = places.map((place, i) => (wrong[i] ? place.wrong : place.label));
  const intersection = sum(places.map(({ weight, label }, i) => weight * Math.min(at(q, i), label)));
  const union = sum(places.map(({ weight, label }, i) => weight * Math.max(at(q, i), label)));
  return union === 0 ? 0 : 1 - intersection / union;
}
