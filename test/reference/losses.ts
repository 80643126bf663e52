import { at, map, resolveAxis, scalar, sizeOf, sum, zeros, type NdArray } from './ndarray.js';
import { timesLog } from './numbers.js';
import { batchOverlap, overlap, type Overlap } from './overlap.js';
import { defaultActivation, isBinary, readPixels, type Pixel, type PixelOptions } from './pixels.js';

export type Reduction = 'mean' | 'sum' | 'none' | 'sample';

export interface ClassOptions {
  classWeights?: readonly number[];
  classes?: 'all' | readonly number[];
  reduction?: Reduction;
}

export interface RegionOptions extends ClassOptions {
  absent?: 'skip' | 'penalize' | 'smooth';
  aggregate?: 'image' | 'batch';
  overlap?: 'metric' | 'product';
  smooth?: number;
}

export interface DiceOptions extends RegionOptions {
  squared?: boolean;
  log?: boolean;
}

export interface GeneralizedDiceOptions extends RegionOptions {
  weighting?: 'square' | 'simple' | 'uniform';
}

export interface TverskyOptions extends RegionOptions {
  alpha?: number;
  beta?: number;
  gamma?: number;
}

export interface BinaryCrossEntropyOptions extends ClassOptions, PixelOptions {
  labelSmoothing?: number;
  posWeight?: number | readonly number[];
  subtractEntropy?: boolean;
  hardest?: number;
}

export interface FocalOptions extends ClassOptions, PixelOptions {
  gamma?: number;
  alpha?: number;
  hardest?: number;
}

export interface UnifiedFocalOptions extends RegionOptions, PixelOptions {
  lambda?: number;
  delta?: number;
  gamma?: number;
}

export type CrossEntropyOptions = BinaryCrossEntropyOptions;

/** The sums of one sample and one class, with the intersection in the form that `overlap` selects. */
interface Row {
  intersection: number;
  product: number;
  predicted: number;
  labelled: number;
  predictedSquared: number;
  labelledSquared: number;
  valid: number;
}

export function iouLoss(labels: NdArray, predictions: NdArray, options: PixelOptions & RegionOptions = {}): NdArray {
  return regionLoss(labels, predictions, options, iouValue(options));
}

export function diceLoss(labels: NdArray, predictions: NdArray, options: PixelOptions & DiceOptions = {}): NdArray {
  return regionLoss(labels, predictions, options, diceValue(options));
}

export function tverskyLoss(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & TverskyOptions = {},
): NdArray {
  return regionLoss(labels, predictions, options, tverskyValue(options));
}

export function logCoshDiceLoss(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & DiceOptions = {},
): NdArray {
  const dice = diceValue({ ...options, log: false });
  return regionLoss(labels, predictions, options, (row) => Math.log(Math.cosh(dice(row))));
}

export function mccLoss(labels: NdArray, predictions: NdArray, options: PixelOptions & RegionOptions = {}): NdArray {
  return regionLoss(labels, predictions, options, mccValue(options));
}

/** A sample's value depends on all of its classes together. */
export function generalizedDiceLoss(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & GeneralizedDiceOptions = {},
): NdArray {
  const { weighting = 'square', smooth = 0, reduction = 'mean', classWeights } = options;
  const { table, absent } = regionTable(labels, predictions, options);
  const [sampleCount = 0, classCount = 0] = table.predicted.shape;
  const values: number[] = [];
  const counted: number[] = [];
  for (let n = 0; n < sampleCount; n++) {
    const present: { share: number; weight: number; row: Row }[] = [];
    let penalty = 0;
    let weightOfAbsent = 0;
    for (let c = 0; c < classCount; c++) {
      const row = rowOf(table, n, c, options.overlap ?? 'metric');
      const weight = classWeights ? at(classWeights, c) : 1;
      if (row.valid === 0 || !isIncluded(c, options)) continue;
      if (row.labelled > 0 || absent === 'smooth') {
        const power = { square: 2, simple: 1, uniform: 0 }[weighting];
        const share = row.labelled === 0 && power > 0 ? 0 : weight / row.labelled ** power;
        present.push({ share, weight, row });
      } else if (absent === 'penalize') {
        penalty += (weight * row.predicted) / row.valid;
        weightOfAbsent += weight;
      }
    }
    const shares = sum(present.map(({ share }) => share));
    const total = (of: (row: Row) => number) =>
      shares === 0 ? 0 : sum(present.map(({ share, row }) => (share / shares) * of(row)));
    const dice =
      1 - ratio(2 * total((row) => row.intersection) + smooth, total((row) => row.predicted + row.labelled) + smooth);
    const weightOfPresent = sum(present.map(({ weight }) => weight));
    const weightOfAll = weightOfPresent + weightOfAbsent;
    values.push(weightOfAll === 0 ? 0 : (weightOfPresent * dice + penalty) / weightOfAll);
    if (weightOfAll > 0) counted.push(n);
  }
  if (reduction === 'none') return { shape: [sampleCount, 1], data: Float64Array.from(values) };
  if (reduction === 'sample') return { shape: [sampleCount], data: Float64Array.from(values) };
  if (reduction === 'sum') return scalar(sum(values));
  return scalar(counted.length === 0 ? 0 : sum(values) / counted.length);
}

function mccValue({ smooth = 0 }: RegionOptions): (row: Row) => number {
  return ({ intersection, predicted, labelled, valid }) => {
    const tp = intersection + smooth;
    const fp = predicted - intersection + smooth;
    const fn = labelled - intersection + smooth;
    const tn = valid - predicted - labelled + intersection + smooth;
    const total = tp + fp + fn + tn;
    if (tp + fn === 0) return (tp + fp) / total;
    if (tn + fp <= 2e-7 * total) return (tn + fn) / total;
    const product = (tp + fp) * (tp + fn) * Math.max(tn + fp, 0) * Math.max(tn + fn, 0);
    return product === 0 ? 1 : 1 - (tp * tn - fp * fn) / Math.sqrt(product);
  };
}

function iouValue({ smooth = 0 }: RegionOptions): (row: Row) => number {
  return ({ intersection, predicted, labelled }) =>
    1 - ratio(intersection + smooth, predicted + labelled - intersection + smooth);
}

function diceValue({ smooth = 0, squared = false, log = false }: DiceOptions): (row: Row) => number {
  return (row) => {
    const coefficient = squared
      ? ratio(2 * row.product + smooth, row.predictedSquared + row.labelledSquared + smooth)
      : ratio(2 * row.intersection + smooth, row.predicted + row.labelled + smooth);
    if (!log) return 1 - coefficient;
    return coefficient < 1e-6 ? -Math.log(1e-6) - (coefficient / 1e-6 - 1) : -Math.log(coefficient);
  };
}

function tverskyValue({ smooth = 0, alpha = 0.5, beta = 0.5, gamma = 1 }: TverskyOptions): (row: Row) => number {
  return ({ intersection, predicted, labelled }) => {
    const falsePositive = predicted - intersection;
    const falseNegative = labelled - intersection;
    const index = ratio(intersection + smooth, intersection + alpha * falsePositive + beta * falseNegative + smooth);
    return Math.max(1 - index, 0) ** gamma;
  };
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 1 : numerator / denominator;
}

function regionLoss(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & RegionOptions,
  valueOf: (row: Row) => number,
): NdArray {
  const { table, absent } = regionTable(labels, predictions, options);
  return reduceRegion(table, { ...options, absent }, valueOf);
}

/** The sums over each image or over the batch, and the treatment of absent classes. */
function regionTable(labels: NdArray, predictions: NdArray, options: PixelOptions & RegionOptions) {
  const classCount = at(predictions.shape, resolveAxis(options.axis ?? -1, predictions.shape.length));
  const activation = options.activation ?? defaultActivation(classCount);
  const absent = options.absent ?? (isBinary(activation, classCount) ? 'penalize' : 'skip');
  const table = overlap(labels, predictions, options);
  return { table: options.aggregate === 'batch' ? batchOverlap(table) : table, absent };
}

function reduceRegion(table: Overlap, options: RegionOptions, valueOf: (row: Row) => number): NdArray {
  const { reduction = 'mean', absent, classWeights } = options;
  if (reduction === 'sample' && options.aggregate === 'batch') throw new Error("'sample' not with aggregate 'batch'");
  const [sampleCount = 0, classCount = 0] = table.predicted.shape;
  const terms = zeros([sampleCount, classCount]);
  const samples = zeros([sampleCount]);
  let samplesThatCount = 0;

  for (let n = 0; n < sampleCount; n++) {
    let weightOfSample = 0;
    for (let c = 0; c < classCount; c++) {
      const row = rowOf(table, n, c, options.overlap ?? 'metric');
      const isAbsent = row.labelled === 0;
      const included = row.valid > 0 && isIncluded(c, options) && !(isAbsent && absent === 'skip');
      if (!included) continue;
      const value = isAbsent && absent === 'penalize' ? row.predicted / row.valid : valueOf(row);
      const weight = classWeights ? at(classWeights, c) : 1;
      terms.data[n * classCount + c] = weight * value;
      samples.data[n]! += weight * value;
      weightOfSample += weight;
    }
    if (weightOfSample === 0) {
      samples.data[n] = 0;
    } else {
      samples.data[n]! /= weightOfSample;
      samplesThatCount++;
    }
  }

  if (reduction === 'none') return terms;
  if (reduction === 'sum') return scalar(sum(terms.data));
  if (reduction === 'sample') return samples;
  return scalar(samplesThatCount === 0 ? 0 : sum(samples.data) / samplesThatCount);
}

function rowOf(table: Overlap, n: number, c: number, form: 'metric' | 'product'): Row {
  const [, classCount = 0] = table.predicted.shape;
  const read = (array: NdArray) => at(array.data, n * classCount + c);
  const product = read(table.intersection);
  const predicted = read(table.predicted);
  const labelled = read(table.labelled);
  return {
    intersection: form === 'metric' ? read(table.minimum) : product,
    product,
    predicted,
    labelled,
    predictedSquared: read(table.predictedSquared),
    labelledSquared: read(table.labelledSquared),
    valid: at(table.valid.data, n),
  };
}

function isIncluded(c: number, { classes = 'all' }: ClassOptions): boolean {
  return classes === 'all' || classes.includes(c);
}

export function crossEntropyLoss(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & CrossEntropyOptions = {},
): NdArray {
  const classCount = at(predictions.shape, resolveAxis(options.axis ?? -1, predictions.shape.length));
  const activation = options.activation ?? defaultActivation(classCount);
  if (isBinary(activation, classCount)) return binaryCrossEntropyLoss(labels, predictions, { ...options, activation });
  if (options.posWeight !== undefined) throw new Error('posWeight is for binary cross-entropy');
  const { labelSmoothing = 0, subtractEntropy = false } = options;

  return pixelLoss(labels, predictions, { ...options, activation }, (pixel) => {
    let value = 0;
    for (let c = 0; c < classCount; c++) {
      if (!isIncluded(c, options)) continue;
      const weight = options.classWeights ? at(options.classWeights, c) : 1;
      const t = at(pixel.labels, c) * (1 - labelSmoothing) + labelSmoothing / classCount;
      const entropy = subtractEntropy ? -timesLog(t, Math.log(t)) : 0;
      value += weight * (-timesLog(t, at(pixel.logProbabilities, c)) - entropy);
    }
    return value;
  });
}

export function binaryCrossEntropyLoss(
  labels: NdArray,
  predictions: NdArray,
  options: BinaryCrossEntropyOptions = {},
): NdArray {
  const { labelSmoothing = 0, posWeight = 1, subtractEntropy = false, activation = 'sigmoid' } = options;
  if (activation === 'softmax') throw new Error('binaryCrossEntropyLoss: softmax is not binary');
  if (options.posWeight !== undefined && subtractEntropy) throw new Error('posWeight not with subtractEntropy');

  return pixelLoss(labels, predictions, { ...options, activation }, (pixel) => {
    let total = 0;
    let count = 0;
    for (let c = 0; c < pixel.labels.length; c++) {
      if (!isIncluded(c, options)) continue;
      const weight = options.classWeights ? at(options.classWeights, c) : 1;
      const positive = typeof posWeight === 'number' ? posWeight : at(posWeight, c);
      const t = at(pixel.labels, c) * (1 - labelSmoothing) + labelSmoothing / 2;
      const entropy = subtractEntropy ? -timesLog(t, Math.log(t)) - timesLog(1 - t, Math.log1p(-t)) : 0;
      const crossEntropy =
        -positive * timesLog(t, at(pixel.logProbabilities, c)) - timesLog(1 - t, at(pixel.logComplements, c));
      total += weight * (crossEntropy - entropy);
      count++;
    }
    return count === 0 ? 0 : total / count;
  });
}

/** -Σ abs(t - p)^gamma t log p; in the binary form, the mean over classes of the same with the binary cross-entropy. */
export function focalLoss(labels: NdArray, predictions: NdArray, options: FocalOptions = {}): NdArray {
  const { gamma = 2, alpha } = options;
  return weightedFocal(labels, predictions, options, gamma, (t) => {
    const balance = alpha === undefined ? 1 : alpha * t + (1 - alpha) * (1 - t);
    return { on: balance, off: balance };
  });
}

export function unifiedFocalLoss(labels: NdArray, predictions: NdArray, options: UnifiedFocalOptions = {}): NdArray {
  const { lambda = 0.5, delta = 0.6, gamma = 0.5 } = options;
  const classCount = at(predictions.shape, resolveAxis(options.axis ?? -1, predictions.shape.length));
  const isCategorical = !isBinary(options.activation ?? defaultActivation(classCount), classCount);
  const focal = weightedFocal(labels, predictions, options, 1 - gamma, (_, c) => ({
    on: isCategorical && c === 0 ? 1 - delta : delta,
    off: 1 - delta,
  }));
  const tversky = tverskyLoss(labels, predictions, { ...options, alpha: 1 - delta, beta: delta, gamma });
  return map(focal, (value, i) => lambda * value + (1 - lambda) * at(tversky.data, i));
}

function weightedFocal(
  labels: NdArray,
  predictions: NdArray,
  options: FocalOptions,
  gamma: number,
  factors: (t: number, c: number) => { on: number; off: number },
): NdArray {
  const classCount = at(predictions.shape, resolveAxis(options.axis ?? -1, predictions.shape.length));
  const binary = isBinary(options.activation ?? defaultActivation(classCount), classCount);
  return pixelLoss(labels, predictions, options, (pixel) => {
    let total = 0;
    let count = 0;
    pixel.labels.forEach((t, c) => {
      if (!isIncluded(c, options)) return;
      const { on, off } = factors(t, c);
      const onTerm = -on * timesLog(t, at(pixel.logProbabilities, c));
      const entropy = binary ? onTerm - off * timesLog(1 - t, at(pixel.logComplements, c)) : onTerm;
      const weight = options.classWeights ? at(options.classWeights, c) : 1;
      total += weight * Math.abs(t - at(pixel.probabilities, c)) ** gamma * entropy;
      count++;
    });
    return binary ? total / count : total;
  });
}

/** The positions in `pixels` of the pixels that count: the hardest of each sample, the first ones if they are equal. */
function hardestOf(pixels: readonly Pixel[], values: readonly number[], fraction: number): Set<number> {
  const chosen = new Set<number>();
  for (const sample of new Set(pixels.map((pixel) => pixel.sample))) {
    const places = [...pixels.keys()].filter((i) => pixels[i]!.sample === sample);
    places.sort((a, b) => at(values, b) - at(values, a));
    places.slice(0, Math.max(1, Math.ceil(fraction * places.length - 1e-9))).forEach((i) => chosen.add(i));
  }
  return chosen;
}

function pixelLoss(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & ClassOptions & { hardest?: number },
  valueOf: (pixel: Pixel) => number,
): NdArray {
  const { reduction = 'mean', hardest = 1 } = options;
  const { pixels: counting, sampleCount, spatialShape } = readPixels(labels, predictions, options);
  const chosen = hardestOf(counting, counting.map(valueOf), hardest);
  const pixels = counting.filter((_, i) => chosen.has(i));
  const pixelCount = sizeOf(spatialShape);
  const values = zeros([sampleCount, ...spatialShape]);
  const totals = zeros([sampleCount]);
  const weights = zeros([sampleCount]);
  for (const pixel of pixels) {
    const value = pixel.weight * valueOf(pixel);
    values.data[pixel.sample * pixelCount + pixel.position] = value;
    totals.data[pixel.sample]! += value;
    weights.data[pixel.sample]! += pixel.weight;
  }
  if (reduction === 'none') return values;
  if (reduction === 'sum') return scalar(sum(totals.data));
  if (reduction === 'sample') return map(totals, (total, n) => (total === 0 ? 0 : total / at(weights.data, n)));
  return scalar(pixels.length === 0 ? 0 : sum(totals.data) / sum(weights.data));
}
