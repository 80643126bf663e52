/**
 * Checks of the values of labels, predictions and weights, in plain loops over the values in the order in which they
 * are stored. Quick loops look for a pixel that may be wrong, and slow ones then say what is wrong with it.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { fail, showShape } from '../checks.js';
import {
  checksAnyValues,
  checkTensorValues,
  namesOfOptions,
  warnOnce,
  type Values,
  type ValuesOf,
} from '../checkValues.js';
import type { PassActivation } from '../kernels/contract.js';
import type { LabelKind, Layout } from '../kernels/layout.js';

/**
 * The rule for soft labels: `'shares'` must lie in [0, 1] and, under softmax, sum to 1; `'masks'` must lie in [0, 1];
 * `'hard'` labels must be 0 or 1; `'unread'` ones may be anything, because nothing is computed from them.
 */
export type LabelRule = 'shares' | 'masks' | 'hard' | 'unread';

interface CheckedLabels {
  tensor: Tensor;
  kind: LabelKind;
  rule: LabelRule;
}

export interface CheckedPredictions {
  tensor: Tensor;
  /**
   * The meaning of the values. `'relaxed'`: probabilities from a user's function; `'scores'`: numbers of which only the
   * order matters; `'indices'`: class indices; otherwise logits or probabilities, by the activation.
   */
  as: PassActivation | 'relaxed' | 'scores' | 'indices';
  sharpness: number;
  /** True if each pixel is assigned to one class, for which softmax of probabilities does no harm. Default false. */
  hard?: boolean;
}

export interface CheckedPixels {
  labels: CheckedLabels | null;
  predictions: CheckedPredictions | null;
  /** The weights of pixels [N,P,1], 0 where a pixel does not count; null if all count. */
  weights: Tensor | null;
  layout: Layout;
  /** True if class indices may name further classes than those of the layout. Default false. */
  moreClasses?: boolean;
}

/**
 * The tolerance for the sum of a pixel's labels, which should be 1: the error of rounding each to 8 bits (image files).
 */
export const sumTolerance = (classes: number): number => Math.min(Math.max(1e-3, classes / 510), 0.05);
/** The tolerance for a probability or a label outside [0, 1]. */
export const RANGE_TOLERANCE = 1e-5;

/** The tensors whose values `checkPixelValues` reads. */
type PixelTensors = { labels: Tensor | null; predictions: Tensor | null; weights: Tensor | null };

/** Takes a check in place of `checkPixelValues`, to make it later or never. */
export type TakeCheck = (
  pixels: CheckedPixels,
  tensors: PixelTensors,
  check: (values: ValuesOf<PixelTensors>) => false | void,
) => void;

let takeCheck: TakeCheck | null = null;

/** Runs a function; the checks of its pixels' values are not made, but passed to `take`. */
export function takingChecks<T>(take: TakeCheck, run: () => T): T {
  const before = takeCheck;
  takeCheck = take;
  try {
    return run();
  } finally {
    takeCheck = before;
  }
}

/**
 * Checks the values, if `checkValues` asks for it in calls of this kind. `options` are those of the calling function.
 */
export function checkPixelValues(pixels: CheckedPixels, options: object): void {
  // This is a single expression so that bundlers can evaluate it, and then drop the code that follows and all that it
  // calls.
  if (typeof SOFTSEG_VALUE_CHECKS !== 'undefined' && SOFTSEG_VALUE_CHECKS === 'never') return;
  const { labels, predictions, weights, layout, moreClasses = false } = pixels;
  const read = labels?.rule === 'unread' ? null : labels;
  const { shape, classes } = layout;
  const asked = `${predictions?.as} ${namesOfOptions(options)}`;
  const kind = `${read?.kind} ${read?.tensor.dtype} ${shape.length} ${classes} ${asked}`;
  const tensors: PixelTensors = { labels: read?.tensor ?? null, predictions: predictions?.tensor ?? null, weights };
  const check = (values: ValuesOf<PixelTensors>): false | void => {
    const places = placesOf(layout, values.weights);
    checkWeights(values.weights);
    if (values.weights?.every((weight) => weight === 0)) return false;
    const answers = predictions && predictions.as !== 'indices' ? readings(values.predictions!, places) : null;
    if (answers) checkPredictions(values.predictions!, answers, predictions!, places);
    else if (predictions) checkIndices('class indices in predictions', values.predictions!, places, moreClasses);
    const rule = read && { rule: read.rule, sumToOne: predictions?.as === 'softmax' };
    const labelled =
      read?.kind === 'indices'
        ? checkIndices('class indices in labels', values.labels!, places, moreClasses)
        : rule && checkSoftLabels(values.labels!, rule, places, answers);
    if (answers) warnOfProbabilities(predictions!, answers, places);
    // If all values are the same (an image without any object, or a constant prediction) a mistake may not show yet, so
    // the next call is checked too.
    return (labelled && !varies(labelled)) || (answers && !varies(answers.all)) ? false : undefined;
  };
  if (!takeCheck) checkTensorValues(kind, tensors, check);
  else if (checksAnyValues()) takeCheck(pixels, tensors, check);
}

/** Defined as 'never' by bundlers that leave the checks out, see `checkValues`. */
declare const SOFTSEG_VALUE_CHECKS: string | undefined;

/** Refuses a map that holds values that are not finite in pixels that count. */
export function checkFiniteValues(
  name: string,
  map: Tensor,
  { weights, layout }: Pick<CheckedPixels, 'weights' | 'layout'>,
  options: object,
): void {
  if (typeof SOFTSEG_VALUE_CHECKS !== 'undefined' && SOFTSEG_VALUE_CHECKS === 'never') return;
  const kind = `${name} ${layout.shape.length} ${layout.classes} ${namesOfOptions(options)}`;
  checkTensorValues(kind, { map, weights }, (values) => {
    const places = placesOf(layout, values.weights);
    const { all, broken } = readings(values.map, places);
    if (broken < 0 && Math.abs(all.least) < Infinity && Math.abs(all.most) < Infinity) return;
    const [pixel, value] = findValue(values.map, places, (v) => !Number.isFinite(v))!;
    fail(`${name} must be finite, got ${value} ${at(pixel, layout)}`);
  });
}

/** The places of a pixel's values in an array of the layout's shape. */
interface PixelPlaces {
  layout: Layout;
  weights: Values | null;
  /** Pixels lie in blocks; in each, pixel i has class c at i·pixelStride + c·classStride. */
  blocks: number;
  perBlock: number;
  pixelStride: number;
  classStride: number;
}

function placesOf(layout: Layout, weights: Values | null): PixelPlaces {
  const { shape, axis, samples, pixels, classes } = layout;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const count = samples * pixels;
  return inner === 1
    ? { layout, weights, blocks: 1, perBlock: count, pixelStride: classes, classStride: 1 }
    : { layout, weights, blocks: count / inner, perBlock: inner, pixelStride: 1, classStride: inner };
}

interface ValueRange {
  least: number;
  most: number;
}

/** The findings of one loop over the values of all pixels that count. */
interface Readings {
  /** The smallest and the largest value. */
  all: ValueRange;
  /** The first pixel with NaN, or with both infinities; -1 if there is none. */
  broken: number;
  /** The first pixel with a value below 0 or above 1, by more than rounding. */
  outside: number;
  /** The first pixel whose values do not sum to 1. */
  unnormalized: number;
  /** The first pixel with +Infinity, or with -Infinity for every class. */
  infinite: number;
}

function readings(
  values: Values,
  { layout, weights, blocks, perBlock, pixelStride, classStride }: PixelPlaces,
): Readings {
  const length = layout.classes * classStride;
  const tolerance = sumTolerance(layout.classes);
  let [broken, outside, unnormalized, infinite] = [-1, -1, -1, -1];
  let [least, most] = [Infinity, -Infinity];
  for (let block = 0, pixel = 0; block < blocks; block++) {
    const start = block * perBlock * layout.classes;
    for (let i = 0; i < perBlock; i++, pixel++) {
      if (weights !== null && !(weights[pixel]! > 0)) continue;
      const first = start + i * pixelStride;
      const end = first + length;
      let sum = 0;
      let low = Infinity;
      let high = -Infinity;
      for (let place = first; place < end; place += classStride) {
        const value = values[place]!;
        sum += value;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (low < least) least = low;
      if (high > most) most = high;
      if (broken < 0 && sum !== sum) broken = pixel;
      if (outside < 0 && !(low >= -RANGE_TOLERANCE && high <= 1 + RANGE_TOLERANCE)) outside = pixel;
      if (unnormalized < 0 && !(sum >= 1 - tolerance && sum <= 1 + tolerance)) unnormalized = pixel;
      if (infinite < 0 && (high === Infinity || high === -Infinity)) infinite = pixel;
    }
  }
  return { all: { least, most }, broken, outside, unnormalized, infinite };
}

function checkWeights(weights: Values | null): void {
  if (weights === null) return;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (!(weight >= 0 && weight < Infinity)) fail(`mask values must be finite numbers >= 0, got ${weight}`);
  }
}

function checkPredictions(
  values: Values,
  { broken, outside, infinite }: Readings,
  { as }: CheckedPredictions,
  places: PixelPlaces,
): void {
  const { layout } = places;
  const name = as === 'relaxed' ? 'the results of the activation function' : 'predictions';
  const nan = broken < 0 ? undefined : findValue(values, places, Number.isNaN);
  if (nan) fail(`${name} must not be NaN, got NaN ${at(nan[0], layout)}`);
  if (as === 'softmax' && infinite >= 0) {
    const [pixel, value] = findValue(values, places, (v) => Math.abs(v) === Infinity, infinite)!;
    fail(`predictions must be finite, because softmax gives NaN otherwise, got ${value} ${at(pixel, layout)}`);
  }
  if ((as === 'none' || as === 'relaxed') && outside >= 0) {
    const [pixel, value] = findValue(values, places, isOutside)!;
    const subject = as === 'none' ? 'probabilities' : name;
    const cure = as === 'none' ? `; leave out activation: 'none' if these are logits` : '';
    fail(`${subject} must lie in [0, 1], got ${round(value)} ${at(pixel, layout)}${cure}`);
  }
}

function checkSoftLabels(
  values: Values,
  { rule, sumToOne }: { rule: LabelRule; sumToOne: boolean },
  places: PixelPlaces,
  answers: Readings | null,
): ValueRange {
  const { layout } = places;
  const { all, broken, outside, unnormalized } = readings(values, places);
  if (broken >= 0 || outside >= 0) {
    const [pixel, value] = findValue(values, places, isOutside)!;
    const message = `labels must lie in [0, 1], got ${round(value)} ${at(pixel, layout)}`;
    fail(message + cureOfLabels(values, all, places, answers));
  }
  if (rule === 'hard') {
    const soft = findValue(values, places, (t) => t !== 0 && t !== 1);
    if (soft) {
      const [pixel, value] = soft;
      fail(`labels must be 0 or 1, got ${round(value)} ${at(pixel, layout)}; lovaszSoftmaxLoss takes soft labels`);
    }
  }
  if (rule === 'shares' && sumToOne && unnormalized >= 0) {
    const sum = round(sumOf(values, places, unnormalized));
    const cure =
      Math.abs(sum - 1) < 0.1
        ? 'divide rounded labels by their sum over the class axis'
        : sum > 1
          ? `classes that overlap need activation: 'sigmoid', and channels that come first axis: 1`
          : 'give pixels without a class weight 0 in a mask, or ignoreLabel in every channel';
    fail(`labels of a pixel must sum to 1 under softmax, got ${sum} ${at(unnormalized, layout)}; ${cure}`);
  }
  return all;
}

/** Advice for labels outside [0, 1]. */
function cureOfLabels(
  values: Values,
  { least, most }: ValueRange,
  places: PixelPlaces,
  answers: Readings | null,
): string {
  // softLabelsFromVotes and softLabelsFromMasks mark pixels without an answer by -1.
  if (least === -1 && most <= 1) return `; ${ignoring(least)}`;
  const fraction = findValue(values, places, (v) => Number.isFinite(v) && !Number.isInteger(v));
  const looksLikeLabels = answers !== null && answers.outside < 0 && answers.all.least < answers.all.most;
  if (least < 0 && fraction && looksLikeLabels) {
    return '; labels and predictions look swapped: labels come first';
  }
  if (most > 127) return `; labels hold ${round(most)}: divide by 255, or map colours to classes`;
  if (fraction) return '';
  if (most > 1) return `; labels hold ${most}: pass numbers of classes as int32 class indices, or one-hot`;
  return least < 0 ? `; ${ignoring(least)}` : '';
}

function checkIndices(
  name: string,
  values: Values,
  { layout, weights }: PixelPlaces,
  moreClasses: boolean,
): ValueRange {
  const { classes } = layout;
  const end = moreClasses ? Infinity : classes === 1 ? 1 : classes - 1;
  let [least, most] = [Infinity, -Infinity];
  for (let pixel = 0; pixel < values.length; pixel++) {
    const index = values[pixel]!;
    if (weights !== null && !(weights[pixel]! > 0)) continue;
    if (index < least) least = index;
    if (index > most) most = index;
    if (index >= 0 && index <= end) continue;
    const rule = moreClasses ? 'be >= 0' : `lie in 0..${end}`;
    fail(`${name} must ${rule}, got ${index} ${at(pixel, layout)}; ${cureOfIndex(index, end)}`);
  }
  return { least, most };
}

/** Advice for a class index outside 0..end. */
function cureOfIndex(index: number, end: number): string {
  if (index < 0) return ignoring(index);
  const map = index === 255 && end === 1 ? 'divide a mask of 0 and 255 by 255' : `number the classes 0..${end}`;
  return `${map}, or, ${ignoring(index)}`;
}

const varies = ({ least, most }: ValueRange): boolean => least < most;

/** If there are fewer logits than this, they may all lie in [0, 1] by chance. */
export const FEWEST_PROBABILITIES = 16;

/**
 * Warns if the logits look like probabilities, from a last layer with an activation. Under sigmoid it warns only if the
 * largest is at least 0.5: a sigmoid layer gives values around 0.5 before training, while logits of which none is
 * negative are often all small then.
 */
function warnOfProbabilities(
  { as, sharpness, hard = false }: CheckedPredictions,
  { all, outside, unnormalized }: Readings,
  { layout: { classes, samples, pixels } }: PixelPlaces,
): void {
  if (as !== 'sigmoid' && (as !== 'softmax' || hard)) return;
  if (classes === 1 && all.least === 1 && all.most === 1) {
    warnOnce('all predictions are 1, as those of a softmax over a single class are: remove that activation');
  }
  if (outside >= 0 || !varies(all) || (as === 'softmax' && unnormalized >= 0)) return;
  if (as === 'sigmoid' && (samples * pixels * classes < FEWEST_PROBABILITIES || all.most < 0.5)) return;
  const surest = as === 'sigmoid' ? 1 / (1 + Math.exp(-sharpness)) : 1 / (1 + (classes - 1) * Math.exp(-sharpness));
  const sums = as === 'softmax' ? ' and sum to 1' : '';
  warnOnce(
    `predictions look like probabilities (they lie in [0, 1]${sums}), but are taken for logits, so ${as} is applied ` +
      `again: even a prediction of 1 becomes ${surest.toFixed(2)}, and training suffers (in a trial the IoU fell ` +
      `from 0.91 to 0.48). ${as === 'sigmoid' && classes > 1 ? 'Leave' : "Pass activation: 'none', or leave"} out ` +
      `the activation of the network's last layer`,
  );
}

const ignoring = (value: number) => `if ${value} marks pixels to leave out, pass ignoreLabel: ${value}`;

const isOutside = (value: number) => !(value >= -RANGE_TOLERANCE && value <= 1 + RANGE_TOLERANCE);

/** The first value in a pixel that counts for which `test` holds, and the number of the pixel; from pixel `from` on. */
function findValue(
  values: Values,
  { layout, weights, perBlock, pixelStride, classStride }: PixelPlaces,
  test: (value: number) => boolean,
  from = 0,
): [pixel: number, value: number] | undefined {
  for (let pixel = from; pixel < layout.samples * layout.pixels; pixel++) {
    if (weights !== null && !(weights[pixel]! > 0)) continue;
    const first = Math.floor(pixel / perBlock) * perBlock * layout.classes + (pixel % perBlock) * pixelStride;
    for (let c = 0; c < layout.classes; c++) {
      const value = values[first + c * classStride]!;
      if (test(value)) return [pixel, value];
    }
  }
  return undefined;
}

function sumOf(values: Values, { layout, perBlock, pixelStride, classStride }: PixelPlaces, pixel: number): number {
  const first = Math.floor(pixel / perBlock) * perBlock * layout.classes + (pixel % perBlock) * pixelStride;
  let sum = 0;
  for (let c = 0; c < layout.classes; c++) sum += values[first + c * classStride]!;
  return sum;
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}

/** The place of a pixel for error messages: `at sample 1` or `at sample 1, position [3,4]`. */
function at(pixel: number, { pixels, spatial }: Layout): string {
  const sample = `at sample ${Math.floor(pixel / pixels)}`;
  if (spatial.length === 0) return sample;
  const position: number[] = [];
  let rest = pixel % pixels;
  for (const size of [...spatial].reverse()) {
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `${sample}, position ${showShape(position)}`;
}
