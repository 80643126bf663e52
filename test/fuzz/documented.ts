/** The arguments for which docs/definitions.md allows NaN or infinite values. */
import { SMALLEST_DENOMINATOR } from '../../src/ops/ratio.js';
import { sizeOf } from '../reference/index.js';
import { overlap } from '../reference/overlap.js';
import { readPixels } from '../reference/pixels.js';
import type { NdArray } from '../reference/index.js';
import { forOracle, isCallback, type Spec, type TensorSpec } from './call.js';
import { defined } from './scene.js';

/**
 * Under softmax, +Infinity gives NaN, and so does -Infinity in all classes of a pixel that counts. NaN in a pixel that
 * counts gives NaN everywhere.
 */
export function mayBeInfinite(args: Spec[], place = 2): boolean {
  const [labels, predictions] = args as [TensorSpec, TensorSpec];
  if (predictions.of.every(Number.isFinite)) return false;
  const { pixels, classCount, activation } = rawPixels(labels, predictions, args[place]);
  const softmax = activation === 'softmax' || (activation === undefined && classCount > 1) || isCallback(activation);
  return pixels.some(({ probabilities: z }) => {
    if (z.some(Number.isNaN)) return true;
    return softmax && (z.includes(Infinity) || z.every((value) => value === -Infinity));
  });
}

/** True if value checks must accept these arguments. */
export function passesValueChecks(args: Spec[]): boolean {
  if (mayBeInfinite(args)) return false;
  const [labels, predictions, options] = args as [TensorSpec, TensorSpec, Spec];
  const { pixels, classCount, activation } = rawPixels(labels, predictions, options);
  const softmax = activation === 'softmax' || (activation === undefined && classCount > 1);
  return pixels.every(({ labels: t, probabilities: z }) => {
    const sum = t.reduce((total, value) => total + value, 0);
    if (z.some(Number.isNaN) || t.some((value) => !(value >= 0 && value <= 1))) return false;
    return !softmax || Math.abs(sum - 1) < 1e-4;
  });
}

/** The pixels that count, with logits in place of probabilities. */
function rawPixels(labels: TensorSpec, predictions: TensorSpec, options: Spec) {
  const { activation, axis, mask, ignoreLabel } = (options ?? {}) as {
    activation?: Spec;
    axis?: number;
    mask?: TensorSpec;
    ignoreLabel?: number;
  };
  const how = defined({ axis, mask: mask && forOracle(mask), ignoreLabel });
  const read = readPixels(forOracle(labels) as NdArray, forOracle(predictions) as NdArray, {
    ...how,
    activation: 'none',
  });
  return { pixels: read.pixels, classCount: read.classCount, activation };
}

/**
 * The positions of all values in pixels where a probability equals its label up to rounding. There abs(p - t) has a
 * kink, and kernels may be on different sides of it.
 */
export function kinksOf(args: Spec[], place = 2): ReadonlySet<number> {
  const options = (args[place] ?? {}) as { axis?: number };
  const { axis = -1 } = options;
  const { shape } = args[1] as TensorSpec;
  const front = axis < 0 ? axis + shape.length : axis;
  const [classes, inner] = [shape[front]!, sizeOf(shape.slice(front + 1))];
  const outer = sizeOf(shape.slice(1, front));
  const { pixels } = readPixels(
    ...(args.slice(0, 2).map(forOracle) as [NdArray, NdArray]),
    forOracle(options) as object,
  );
  const kinks = new Set<number>();
  for (const { sample, position, probabilities, labels } of pixels) {
    if (!probabilities.some((p, c) => Math.abs(p - labels[c]!) < 1e-5)) continue;
    const row = (sample * outer + Math.floor(position / inner)) * classes;
    for (let c = 0; c < classes; c++) kinks.add((row + c) * inner + (position % inner));
  }
  return kinks;
}

/**
 * True if float32 and float64 agree on which classes are predicted at all (no sum of probabilities underflows, nor its
 * square if it counts), and on log p and log(1 - p) where an activation function gives p in float32.
 */
export function isRepresentable(args: Spec[], place = 2): boolean {
  const { activation, axis, sharpness, mask, ignoreLabel, ...rest } = (args[place] ?? {}) as Record<string, Spec>;
  const how = forOracle(defined({ activation, axis, sharpness, mask, ignoreLabel })) as object;
  const [labels, predictions] = args.slice(0, 2).map(forOracle) as [NdArray, NdArray];
  const { pixels } = readPixels(labels, predictions, how);
  // The bound of 1e9 limits logarithms in the functions, but logits in the oracle.
  const { of } = args[1] as TensorSpec;
  if (of.includes(-Infinity) && of.some((z) => Number.isFinite(z) && Math.abs(z) > 1e3)) return false;
  if (
    isCallback(activation) &&
    pixels.some(({ probabilities }) => probabilities.some((p) => p > 0 && p < 1 && Math.abs(p - 0.5) > 0.49))
  )
    return false;
  const { predicted, intersection } = overlap(labels, predictions, how);
  // Tversky with weights of 0 divides the intersection by itself.
  const divided =
    rest['alpha'] === 0 && rest['beta'] === 0 ? [...predicted.data, ...intersection.data] : predicted.data;
  const least = rest['squared'] === true ? Math.sqrt(SMALLEST_DENOMINATOR) : SMALLEST_DENOMINATOR;
  return divided.every((sum) => sum === 0 || sum > least);
}
