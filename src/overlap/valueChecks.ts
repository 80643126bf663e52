import type { Tensor } from '@tensorflow/tfjs-core';
import { fail, showShape } from '../checks.js';
import { toLabelPixels, toPixels, type Layout } from '../kernels/layout.js';
import type { Problem } from './problem.js';

/** How far the labels of a pixel may be from adding up to 1 under softmax. */
const SUM_TOLERANCE = 1e-3;
/** How far rounding may carry a probability or a label out of [0, 1]. */
const RANGE_TOLERANCE = 1e-5;

/** Call it inside tf.tidy. */
export function checkProblemValues(fn: string, problem: Problem, mask: Tensor | undefined): void {
  const { layout, activation, labelKind } = problem;
  const { samples, pixels, classes } = layout;
  const weight = mask?.dataSync().find((w) => !(w >= 0 && w < Infinity));
  if (weight !== undefined) fail(fn, `mask values must be finite numbers >= 0, got ${weight}`);

  const w = problem.weights?.dataSync();
  const predictions = toPixels(problem.predictions, layout).dataSync();
  const labels = toLabelPixels(problem.labels, labelKind, layout).dataSync();
  for (let pixel = 0; pixel < samples * pixels; pixel++) {
    if (w && w[pixel] === 0) continue;
    const at = `at ${place(pixel, layout)}`;
    const row = predictions.subarray(pixel * classes, (pixel + 1) * classes);
    if (row.some(Number.isNaN)) fail(fn, `predictions must not be NaN, got NaN ${at}`);
    if (activation === 'none') checkUnitRange(fn, 'probabilities', row, at);
    if (labelKind === 'indices') {
      checkIndex(fn, labels[pixel]!, classes, at);
      continue;
    }
    const t = labels.subarray(pixel * classes, (pixel + 1) * classes);
    checkUnitRange(fn, 'labels', t, at);
    let sum = 0;
    for (const value of t) sum += value;
    if (activation === 'softmax' && Math.abs(sum - 1) > SUM_TOLERANCE) {
      fail(fn, `labels of a pixel must sum to 1 under softmax, got ${round(sum)} ${at}`);
    }
  }
}

type Values = Float32Array | Int32Array | Uint8Array;

function checkUnitRange(fn: string, name: string, values: Values, at: string): void {
  for (const value of values) {
    const ok = value >= -RANGE_TOLERANCE && value <= 1 + RANGE_TOLERANCE;
    if (!ok) fail(fn, `${name} must lie in [0, 1], got ${round(value)} ${at}`);
  }
}

function checkIndex(fn: string, index: number, classes: number, at: string): void {
  const most = classes === 1 ? 1 : classes - 1;
  if (index < 0 || index > most) fail(fn, `class indices must lie in 0..${most}, got ${index} ${at}`);
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}

/** `sample 1` or `sample 1, position [3,4]`. */
function place(pixel: number, { pixels, spatial }: Layout): string {
  const sample = `sample ${Math.floor(pixel / pixels)}`;
  if (spatial.length === 0) return sample;
  const position: number[] = [];
  let rest = pixel % pixels;
  for (const size of [...spatial].reverse()) {
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `${sample}, position ${showShape(position)}`;
}
