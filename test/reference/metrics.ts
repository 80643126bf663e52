import { at, ndarray, scalar, zeros, type NdArray } from './ndarray.js';
import { isBinary, readPixels, type Pixel, type PixelOptions } from './pixels.js';

export type ScoreName = 'iou' | 'dice' | 'tversky' | 'precision' | 'recall';

export interface RegionScoreOptions extends PixelOptions {
  hard?: boolean | 'predictions';
  threshold?: number;
  absent?: 'skip' | 'penalize' | 'count';
  overlap?: 'metric' | 'product';
  classes?: 'all' | number[];
  classWeights?: number[];
  alpha?: number;
  beta?: number;
}

/** A batch of a data set. */
export interface Batch {
  labels: NdArray;
  predictions: NdArray;
  mask?: NdArray;
}

/** The facts about one class in one sample. */
interface Region {
  value: number;
  labelled: number;
  predicted: number;
}

const firstLargest = (values: readonly number[]) => values.indexOf(Math.max(...values));
const sumOf = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Pixels with probabilities made 0 or 1, and labels too if they are to be hard. */
function harden(pixels: Pixel[], exclusive: boolean, { hard = false, threshold }: RegionScoreOptions): Pixel[] {
  if (hard === false) return pixels;
  const largest = exclusive && threshold === undefined;
  return pixels.map((pixel) => {
    const { probabilities: p, labels: t } = pixel;
    const best = firstLargest(p);
    const probabilities = p.map((value, c) => Number(largest ? c === best : value > (threshold ?? 0.5)));
    if (hard === 'predictions') return { ...pixel, probabilities };
    const labels = t.map((value, c) => Number(largest ? c === firstLargest(t) && value > 0 : value > 0.5));
    return { ...pixel, probabilities, labels };
  });
}

/** The scores of the classes in these pixels, taken as one region each. */
function regionsOf(name: ScoreName, pixels: Pixel[], classCount: number, options: RegionScoreOptions): Region[] {
  const { overlap = 'metric', alpha = 0.5, beta = 0.5 } = options;
  return Array.from({ length: classCount }, (_, c) => {
    // For values in [0, 1], (p + t - |p - t|)/2 is the smaller of the two.
    const both = (p: number, t: number) => (overlap === 'metric' ? Math.min(p, t) : p * t);
    const predicted = sumOf(pixels.map(({ weight, probabilities }) => weight * at(probabilities, c)));
    const labelled = sumOf(pixels.map(({ weight, labels }) => weight * at(labels, c)));
    const found = sumOf(
      pixels.map(({ weight, probabilities, labels }) => weight * both(at(probabilities, c), at(labels, c))),
    );
    const [numerator, denominator] = {
      iou: [found, predicted + labelled - found],
      dice: [2 * found, predicted + labelled],
      tversky: [found, found + alpha * (predicted - found) + beta * (labelled - found)],
      precision: [found, predicted],
      recall: [found, labelled],
    }[name] as [number, number];
    const value = predicted + labelled === 0 ? 1 : denominator > 0 ? numerator / denominator : 0;
    return { value, labelled, predicted };
  });
}

function weightsOf(
  regions: Region[],
  aggregate: string,
  exclusive: boolean,
  { absent, classes = 'all', classWeights }: RegionScoreOptions,
): number[] {
  const rule = absent ?? (!exclusive ? 'count' : aggregate === 'image' || aggregate === 'class' ? 'skip' : 'penalize');
  return regions.map(({ labelled, predicted }, c) => {
    const included = classes === 'all' || classes.includes(c);
    const counts = rule === 'count' || labelled > 0 || (rule === 'penalize' && predicted > 0);
    return included && counts ? (classWeights ? at(classWeights, c) : 1) : 0;
  });
}

/** The pixels of each sample. */
function samplesOf({ labels, predictions, mask }: Batch, options: RegionScoreOptions) {
  const read = readPixels(labels, predictions, { ...options, ...(mask && { mask }) });
  const { sampleCount, classCount, activation } = read;
  const exclusive = classCount > 1 && activation !== 'sigmoid';
  const pixels = harden(read.pixels, exclusive, options);
  const samples = Array.from({ length: sampleCount }, (_, n) => pixels.filter(({ sample }) => sample === n));
  return { samples, classCount, exclusive };
}

export function regionScore(
  name: ScoreName,
  labels: NdArray,
  predictions: NdArray,
  options: RegionScoreOptions & { aggregate?: 'image' | 'batch'; reduction?: 'mean' | 'sample' | 'none' } = {},
): NdArray {
  const { aggregate = 'image', reduction = 'mean', mask } = options;
  const { samples, classCount, exclusive } = samplesOf({ labels, predictions, mask }, options);
  const images = aggregate === 'batch' ? [samples.flat()] : samples;
  const regions = images.map((pixels) => regionsOf(name, pixels, classCount, options));
  if (reduction === 'none') return ndarray(regions.map((row) => row.map(({ value }) => value)));
  const means = regions.map((row, n) => {
    const weights = at2(images, n).length > 0 ? weightsOf(row, aggregate, exclusive, options) : row.map(() => 0);
    return { total: sumOf(row.map(({ value }, c) => value * at(weights, c))), weight: sumOf(weights) };
  });
  if (reduction === 'sample') return ndarray(means.map(({ total, weight }) => (weight > 0 ? total / weight : 1)));
  const counted = means.filter(({ weight }) => weight > 0);
  return scalar(counted.length > 0 ? sumOf(counted.map((m) => m.total / m.weight)) / counted.length : 1);
}

/** The score of a data set in the three forms of Wang et al., and the scores of the classes. */
export function meanScore(
  name: ScoreName,
  batches: Batch[],
  options: RegionScoreOptions & { aggregate?: 'dataset' | 'image' | 'class' } = {},
): { mean: number; perClass: number[] } {
  const { aggregate = 'dataset', classWeights } = options;
  const read = batches.map((batch) => samplesOf(batch, options));
  const { classCount, exclusive } = at2(read, 0);
  const samples = read.flatMap((batch) => batch.samples).filter((pixels) => pixels.length > 0);
  const images = aggregate === 'dataset' ? [samples.flat()] : samples;
  const rows = images.map((pixels) => regionsOf(name, pixels, classCount, options));
  const weights = rows.map((row) => weightsOf(row, aggregate, exclusive, { ...options, classWeights: undefined }));
  const perClass = Array.from({ length: classCount }, (_, c) =>
    meanOf(rows.map((row, n) => ({ value: at2(row, c).value, weight: at(at2(weights, n), c) }))),
  );
  const weightOf = (c: number) => (classWeights ? at(classWeights, c) : 1);
  if (aggregate !== 'image') {
    const known = perClass.map((value, c) => ({ value, weight: Number.isNaN(value) ? 0 : weightOf(c) }));
    return { mean: meanOf(known), perClass };
  }
  const means = rows.map((row, n) =>
    meanOf(row.map(({ value }, c) => ({ value, weight: at(at2(weights, n), c) * weightOf(c) }))),
  );
  return { mean: meanOf(means.map((value) => ({ value, weight: Number.isNaN(value) ? 0 : 1 }))), perClass };
}

function meanOf(entries: { value: number; weight: number }[]): number {
  const counted = entries.filter(({ weight }) => weight > 0);
  return sumOf(counted.map(({ value, weight }) => value * weight)) / sumOf(counted.map(({ weight }) => weight));
}

function at2<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`index ${index} is outside 0..${values.length - 1}`);
  return value;
}

export function brierScore(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & { classes?: 'all' | number[]; reduction?: 'mean' | 'sample' } = {},
): NdArray {
  const { classes = 'all', reduction = 'mean' } = options;
  const { pixels, sampleCount, classCount, activation } = readPixels(labels, predictions, options);
  const indices = Array.from({ length: classCount }, (_, c) => c).filter(
    (c) => classes === 'all' || classes.includes(c),
  );
  const share = isBinary(activation, classCount) ? indices.length : 1;
  const [errors, weights] = [zeros([sampleCount]), zeros([sampleCount])];
  for (const { sample, weight, probabilities, labels } of pixels) {
    const squares = indices.map((c) => (at(probabilities, c) - at(labels, c)) ** 2);
    errors.data[sample]! += (weight * sumOf(squares)) / share;
    weights.data[sample]! += weight;
  }
  const ratio = (error: number, weight: number) => (weight > 0 ? error / weight : 0);
  if (reduction === 'mean') return scalar(ratio(sumOf([...errors.data]), sumOf([...weights.data])));
  return { ...errors, data: errors.data.map((error, n) => ratio(error, at(weights.data, n))) };
}

export function pixelAccuracy(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & { threshold?: number; reduction?: 'mean' | 'sample' } = {},
): NdArray {
  const { threshold, reduction = 'mean' } = options;
  const { pixels, sampleCount, classCount, activation } = readPixels(labels, predictions, options);
  const exclusive = classCount > 1 && activation !== 'sigmoid';
  const [right, weights] = [zeros([sampleCount]), zeros([sampleCount])];
  for (const { sample, weight, probabilities: p, labels: t } of harden(pixels, exclusive, { hard: true, threshold })) {
    const agree = p.filter((value, c) => value === at(t, c)).length / classCount;
    const one = exclusive && threshold === undefined;
    right.data[sample]! += weight * (one ? Number(agree === 1) : agree);
    weights.data[sample]! += weight;
  }
  const ratio = (part: number, whole: number) => (whole > 0 ? part / whole : 1);
  if (reduction === 'mean') return scalar(ratio(sumOf([...right.data]), sumOf([...weights.data])));
  return { ...right, data: right.data.map((part, n) => ratio(part, at(weights.data, n))) };
}

export function expectedCalibrationError(
  labels: NdArray,
  predictions: NdArray,
  options: PixelOptions & { bins?: number; confidence?: 'top' | 'class'; classes?: 'all' | number[] } = {},
): NdArray {
  const { bins = 15, classes } = options;
  const { pixels, classCount, activation } = readPixels(labels, predictions, options);
  const single = isBinary(activation, classCount) || classes !== undefined;
  const top = (options.confidence ?? (single ? 'class' : 'top')) === 'top';
  const indices = Array.from({ length: classCount }, (_, c) => c);
  const columns = top
    ? [null]
    : indices.filter((c) => classes === undefined || classes === 'all' || classes.includes(c));
  const errors = columns.map((column) => {
    const off = zeros([bins]);
    let total = 0;
    for (const { weight, probabilities, labels } of pixels) {
      const c = column ?? firstLargest(probabilities);
      // This is the last bin whose lower edge, rounded to float32 like the confidences, does not exceed the confidence.
      const edges = Array.from({ length: bins }, (_, k) => (k === 0 ? -Infinity : Math.fround(k / bins)));
      const bin = edges.findLastIndex((edge) => at(probabilities, c) >= edge);
      off.data[bin]! += weight * (at(probabilities, c) - at(labels, c));
      total += weight;
    }
    return total > 0 ? sumOf([...off.data].map(Math.abs)) / total : 0;
  });
  return scalar(sumOf(errors) / errors.length);
}

/** Rows are labels, columns are predictions. */
export function confusionMatrix(batches: Batch[], options: PixelOptions & { threshold?: number } = {}): number[][] {
  let counts: number[][] = [];
  for (const { labels, predictions, mask } of batches) {
    const { pixels, classCount } = readPixels(labels, predictions, { ...options, ...(mask && { mask }) });
    const size = Math.max(classCount, 2);
    if (counts.length === 0) counts = Array.from({ length: size }, () => Array.from({ length: size }, () => 0));
    for (const { weight, probabilities: p, labels: t } of pixels) {
      const predicted = classCount > 1 ? firstLargest(p) : Number(at(p, 0) > (options.threshold ?? 0.5));
      const shares = classCount > 1 ? t : [1 - at(t, 0), at(t, 0)];
      shares.forEach((share, i) => (at2(counts, i)[predicted]! += weight * share));
    }
  }
  return counts;
}
