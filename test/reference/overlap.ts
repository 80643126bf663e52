import { at, zeros, type NdArray } from './ndarray.js';
import { timesLog } from './numbers.js';
import { isBinary, readPixels, type Pixel, type PixelOptions } from './pixels.js';

/** Sums over the pixels of each sample: [N, C], except valid: [N]. */
export interface Overlap {
  intersection: NdArray;
  predicted: NdArray;
  labelled: NdArray;
  difference: NdArray;
  minimum: NdArray;
  predictedSquared: NdArray;
  labelledSquared: NdArray;
  crossEntropy: NdArray;
  valid: NdArray;
}

export function overlap(labels: NdArray, predictions: NdArray, options: PixelOptions = {}): Overlap {
  const { pixels, sampleCount, classCount, activation } = readPixels(labels, predictions, options);
  const binary = isBinary(activation, classCount);

  function sumOf(term: (p: number, t: number, c: number, pixel: Pixel) => number): NdArray {
    const sums = zeros([sampleCount, classCount]);
    for (const pixel of pixels) {
      for (let c = 0; c < classCount; c++) {
        const term_c = term(at(pixel.probabilities, c), at(pixel.labels, c), c, pixel);
        sums.data[pixel.sample * classCount + c]! += pixel.weight * term_c;
      }
    }
    return sums;
  }

  const valid = zeros([sampleCount]);
  for (const pixel of pixels) valid.data[pixel.sample]! += pixel.weight;

  return {
    intersection: sumOf((p, t) => p * t),
    predicted: sumOf((p) => p),
    labelled: sumOf((_, t) => t),
    difference: sumOf((p, t) => Math.abs(p - t)),
    minimum: sumOf((p, t) => Math.min(p, t)),
    predictedSquared: sumOf((p) => p * p),
    labelledSquared: sumOf((_, t) => t * t),
    crossEntropy: sumOf((_, t, c, pixel) => {
      const positive = -timesLog(t, at(pixel.logProbabilities, c));
      return binary ? positive - timesLog(1 - t, at(pixel.logComplements, c)) : positive;
    }),
    valid,
  };
}

/** The sums of several pieces of the same samples, added up. */
export function mergeOverlaps(first: Overlap, ...rest: Overlap[]): Overlap {
  return mapSums(first, (array, name) => {
    const total = { shape: [...array.shape], data: Float64Array.from(array.data) };
    for (const other of rest) other[name].data.forEach((value, i) => (total.data[i]! += value));
    return total;
  });
}

/** The sums over the whole batch: N becomes 1. */
export function batchOverlap(table: Overlap): Overlap {
  return mapSums(table, (array) => {
    const [sampleCount = 0, ...shape] = array.shape;
    const total = zeros([1, ...shape]);
    const rowSize = total.data.length;
    for (let i = 0; i < sampleCount * rowSize; i++) total.data[i % rowSize]! += at(array.data, i);
    return total;
  });
}

function mapSums(table: Overlap, f: (array: NdArray, name: keyof Overlap) => NdArray): Overlap {
  const entries = (Object.keys(table) as (keyof Overlap)[]).map((name) => [name, f(table[name], name)]);
  return Object.fromEntries(entries) as Overlap;
}
