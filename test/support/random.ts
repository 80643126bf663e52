import { ndarray, indices, sizeOf, type NdArray } from '../reference/index.js';

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that are exact in float32, so that the oracle and the backends see the same numbers. */
export function randomArray(shape: readonly number[], seed: number, from: number, to: number): NdArray {
  const random = randomNumbers(seed);
  return ndarray(
    Array.from({ length: sizeOf(shape) }, () => Math.fround(from + (to - from) * random())),
    shape,
  );
}

export function randomLogits(shape: readonly number[], seed: number): NdArray {
  return randomArray(shape, seed, -3, 3);
}

/** Labels in [0, 1] of classes that may overlap. */
export function randomLabels(shape: readonly number[], seed: number): NdArray {
  return randomArray(shape, seed, 0, 1);
}

/** Labels that sum to 1 over the class axis. */
export function randomDistribution(shape: readonly number[], seed: number, axis: number): NdArray {
  const labels = randomArray(shape, seed, 0.05, 1);
  const stride = sizeOf(shape.slice(axis + 1));
  const count = shape[axis]!;
  const sums = new Map<number, number>();
  const line = (i: number) => Math.floor(i / (stride * count)) * stride + (i % stride);
  labels.data.forEach((value, i) => sums.set(line(i), (sums.get(line(i)) ?? 0) + value));
  return { ...labels, data: labels.data.map((value, i) => Math.fround(value / sums.get(line(i))!)) };
}

export function randomIndices(shape: readonly number[], seed: number, classes: number): NdArray {
  const random = randomNumbers(seed);
  return indices(
    Array.from({ length: sizeOf(shape) }, () => Math.floor(random() * classes)),
    shape,
  );
}
