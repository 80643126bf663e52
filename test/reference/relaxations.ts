import { at, linesAlong, map, resolveAxis, sizeOf, sum, zeros, type NdArray } from './ndarray.js';
import { scaledLogit, sigmoid, softmax } from './numbers.js';

export function softOneHot(
  logits: NdArray,
  { sharpness = 1, axis = -1 }: { sharpness?: number; axis?: number } = {},
): NdArray {
  return mapLines(logits, axis, (line) => softmax(line.map((z) => scaledLogit(z, sharpness))));
}

export function softThreshold(logits: NdArray, { sharpness = 1 }: { sharpness?: number } = {}): NdArray {
  return map(logits, (z) => sigmoid(scaledLogit(z, sharpness)));
}

export function powerSharpen(values: NdArray, power: number, { axis = -1 }: { axis?: number } = {}): NdArray {
  return mapLines(values, axis, (line) => {
    const largest = Math.max(...line);
    return line.map((v) => (v === largest ? 1 - (1 - v) ** power : v ** power));
  });
}

/** The forward value; the gradient is that of softOneHot. */
export function straightThroughOneHot(
  logits: NdArray,
  { axis = -1 }: { sharpness?: number; axis?: number } = {},
): NdArray {
  return mapLines(logits, axis, (line) => {
    const winner = line.indexOf(Math.max(...line));
    return line.map((_, c) => (c === winner ? 1 : 0));
  });
}

/** The forward value; the gradient is that of softThreshold. */
export function straightThroughThreshold(logits: NdArray, _options: { sharpness?: number } = {}): NdArray {
  return map(logits, (z) => (z > 0 ? 1 : 0));
}

export function softLabelsFromVotes(
  votes: NdArray,
  options: { annotators?: number | NdArray; axis?: number; smoothing?: number; missing?: number } = {},
): NdArray {
  const { annotators, axis = -1, smoothing = 0, missing = -1 } = options;
  if (annotators === undefined) {
    return mapLines(votes, axis, (line) => {
      const total = sum(line);
      return line.map((count) => share(count, total, line.length, smoothing, missing));
    });
  }
  return map(votes, (count, i) => {
    const total = typeof annotators === 'number' ? annotators : broadcastAt(annotators, votes.shape, i);
    return share(count, total, 2, smoothing, missing);
  });
}

export function softLabelsFromMasks(
  masks: NdArray,
  options: {
    classes?: number;
    annotatorAxis?: number;
    absentLabel?: number;
    smoothing?: number;
    missing?: number;
  } = {},
): NdArray {
  const { classes, annotatorAxis = 0, absentLabel, smoothing = 0, missing = -1 } = options;
  const axis = resolveAxis(annotatorAxis, masks.shape.length);
  const shape = masks.shape.filter((_, a) => a !== axis);
  const labels = zeros(classes === undefined ? shape : [...shape, classes]);
  linesAlong(masks, axis).forEach((line, pixel) => {
    const seen = line.map((k) => at(masks.data, k)).filter((value) => value !== absentLabel);
    if (classes === undefined) {
      labels.data[pixel] = share(sum(seen), seen.length, 2, smoothing, missing);
      return;
    }
    for (let c = 0; c < classes; c++) {
      const votes = seen.filter((value) => value === c).length;
      labels.data[pixel * classes + c] = share(votes, seen.length, classes, smoothing, missing);
    }
  });
  return labels;
}

function share(count: number, total: number, outcomes: number, smoothing: number, missing: number): number {
  const denominator = total + outcomes * smoothing;
  return denominator === 0 ? missing : (count + smoothing) / denominator;
}

export interface ScheduleOptions {
  from: number;
  to: number;
  steps: number;
}

export function linearSchedule({ from, to, steps }: ScheduleOptions): (step: number) => number {
  return (step) => from + (to - from) * progress(step, steps);
}

export function exponentialSchedule({ from, to, steps }: ScheduleOptions): (step: number) => number {
  return (step) => from * (to / from) ** progress(step, steps);
}

export function cosineSchedule({ from, to, steps }: ScheduleOptions): (step: number) => number {
  return (step) => to + ((from - to) * (1 + Math.cos(Math.PI * progress(step, steps)))) / 2;
}

function progress(step: number, steps: number): number {
  if (step <= 0) return 0;
  return step >= steps ? 1 : step / steps;
}

function mapLines(array: NdArray, axis: number, f: (line: number[]) => number[]): NdArray {
  const result = zeros(array.shape);
  for (const line of linesAlong(array, axis)) {
    const values = f(line.map((k) => at(array.data, k)));
    line.forEach((k, i) => (result.data[k] = at(values, i)));
  }
  return result;
}

/** The value of a small array for element `index` of the shape that it broadcasts to. */
function broadcastAt(array: NdArray, shape: readonly number[], index: number): number {
  let offset = 0;
  for (let a = 0; a < array.shape.length; a++) {
    const size = at(array.shape, a);
    const axis = a + shape.length - array.shape.length;
    const position = Math.floor(index / sizeOf(shape.slice(axis + 1))) % at(shape, axis);
    offset = offset * size + (size === 1 ? 0 : position);
  }
  return at(array.data, offset);
}
