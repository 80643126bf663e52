/** Labels and predictions as hard masks, one per sample and class. */
import type { Tensor } from '@tensorflow/tfjs-core';
import {
  checkAxis,
  checkClassList,
  checkCount,
  checkDtype,
  checkHoldsValues,
  checkOneOf,
  checkTensor,
  fail,
  show,
  showShape,
} from '../../checks.js';
import { INSIDE, sidesOf, sidesWhere, type Side, type Sides } from '../../distance/sides.js';
import { resolveSpacing, type Spacing } from '../../distance/spacing.js';
import { largest } from '../../extremes.js';
import { layoutOf, toLabelPixels, toPixels, type Layout } from '../../kernels/layout.js';
import { layoutOfIntPredictions } from '../../overlap/indexLayout.js';
import { checkInts, intRange } from '../../overlap/intValues.js';
import type { InputOptions } from '../../overlap/options.js';
import { checkIgnoreLabel, checkMask, pixelWeights, resolveLabelKind } from '../../overlap/inputs.js';
import { checkPixelValues, type CheckedPredictions } from '../../overlap/valueChecks.js';

/** The options of all surface scores. */
export interface SurfaceOptions extends Pick<InputOptions, 'axis' | 'mask' | 'ignoreLabel'> {
  /**
   * How predictions become masks. `'softmax'` (default for C > 1): each pixel belongs to the class with the largest
   * value, the first in a tie, in predictions and in soft labels. `'sigmoid'` (default for C = 1): a pixel belongs to a
   * class if its logit is above 0, or its soft label above 0.5. `'none'`: the same as softmax for C > 1; above 0.5 for
   * C = 1. It is an error with bool and int32 predictions, which are masks or class indices already. A pixel with NaN
   * belongs to no class.
   */
  activation?: 'softmax' | 'sigmoid' | 'none';
  /** The distance between neighbouring pixels, > 0: a number, or one for each spatial axis. Default 1. */
  spacing?: Spacing;
  /** `'all'` (default), or the indices of the classes to score: the columns of the result, in this order. */
  classes?: 'all' | readonly number[];
  /**
   * The number of classes. Needed if labels and predictions are both int32 class indices without a class axis, because
   * their shape alone does not distinguish them from one-hot masks.
   */
  classCount?: number;
}

export const SURFACE_OPTIONS = [
  'axis',
  'mask',
  'ignoreLabel',
  'activation',
  'spacing',
  'classes',
  'classCount',
] as const;

/** The masks that the scores compare. */
export interface SurfaceMasks {
  samples: number;
  /** The indices of the classes that are scored. */
  classes: readonly number[];
  spatial: readonly number[];
  spacing: readonly number[];
  /** 1 inside the mask; 0 outside it and where a pixel does not count. */
  labelled(sample: number, c: number): Side;
  predicted(sample: number, c: number): Side;
}

/** Checks the arguments of the running function, and reads labels and predictions back. Call it inside tf.tidy. */
export function surfaceMasks(labels: Tensor, predictions: Tensor, options: SurfaceOptions): SurfaceMasks {
  checkTensor('labels', labels);
  checkTensor('predictions', predictions);
  checkDtype('predictions', predictions, ['float32', 'bool', 'int32']);
  checkHoldsValues('predictions', predictions);
  if (options.classCount !== undefined) checkCount('classCount', options.classCount, 1);
  const layout = resolveLayout(labels, predictions, options);
  const { samples, spatial } = layout;
  const { axis = -1, classes = 'all', classCount } = options;
  const kind = resolveLabelKind(labels, layout, axis);
  const isInt = predictions.dtype === 'int32';
  const answerKind = isInt ? resolveLabelKind(predictions, layout, axis) : 'soft';
  checkIgnoreLabel(options.ignoreLabel, kind);
  checkMask(options.mask, layout, `predictions ${showShape(predictions.shape)}`);
  checkClassList(classes, layout.classes);
  if (classCount !== undefined && classCount !== layout.classes) {
    const both = `labels ${showShape(labels.shape)} and predictions ${showShape(predictions.shape)}`;
    fail(`classCount is ${classCount}, but there are ${layout.classes} classes in ${both}`);
  }
  const weights = pixelWeights(labels, kind, layout, options);
  // Without classCount, the largest index is unknown if only some classes are scored.
  const unknown = answerKind === 'indices' && kind === 'indices' && classCount === undefined && classes !== 'all';
  const most = unknown ? Infinity : undefined;
  checkInts(labels, intRange('labels', kind, layout.classes, most), kind, weights, layout);
  checkInts(predictions, intRange('predictions', answerKind, layout.classes, most), answerKind, weights, layout);
  const spacing = resolveSpacing(options.spacing ?? 1, spatial);

  const isIndices = answerKind === 'indices';
  const activation = resolveActivation(predictions, layout.classes, options.activation);
  const checkedLabels = { tensor: labels, kind, rule: 'masks' } as const;
  const checkedPredictions = { tensor: predictions, as: readAs(isIndices, activation), sharpness: 1 };
  checkPixelValues(
    { labels: checkedLabels, predictions: checkedPredictions, weights, layout, moreClasses: unknown },
    options,
  );
  const exclusive = layout.classes > 1 && (isIndices || activation === 'softmax' || activation === 'none');
  const truth =
    kind === 'soft' && exclusive ? sidesOfLargest(labels, weights, layout, 0) : sidesOf(labels, kind, weights, layout);
  const answer = isIndices
    ? sidesOf(predictions, 'indices', weights, layout)
    : exclusive
      ? sidesOfLargest(predictions, weights, layout, -Infinity)
      : activation === 'sigmoid'
        ? sidesOfPositive(predictions, weights, layout)
        : sidesOf(predictions, 'soft', weights, layout);
  return {
    samples,
    classes: classes === 'all' ? Array.from({ length: layout.classes }, (_, c) => c) : classes,
    spatial,
    spacing,
    labelled: (n, c) => insideOnly(truth.at(n, c)),
    predicted: (n, c) => insideOnly(answer.at(n, c)),
  };
}

const insideOnly = (side: Side): Side => side.map((s) => Number(s === INSIDE));

function resolveLayout(labels: Tensor, predictions: Tensor, options: SurfaceOptions): Layout {
  const { axis = -1, classes, classCount } = options;
  const { shape } = predictions;
  if (predictions.dtype !== 'int32') {
    if (shape.length < 3) fail(`predictions must be [N, ...spatial, C], got shape ${showShape(shape)}`);
    return layoutOf(shape, checkAxis(axis, shape, 'axis', 1));
  }
  return layoutOfIntPredictions(labels, predictions, axis, {
    count: classCount,
    least: leastCount(classes),
    cure: 'class indices need the option classCount',
  });
}

/**
 * The smallest number of classes that includes those to be scored. It is at least 2 for a list, because with a single
 * class the index 1 would be that class.
 */
function leastCount(classes: SurfaceOptions['classes']): number {
  return Array.isArray(classes) ? Math.max(1, largest(classes as number[])) + 1 : 1;
}

type SurfaceActivation = Required<SurfaceOptions>['activation'] | 'mask';

function resolveActivation(predictions: Tensor, classes: number, given: unknown): SurfaceActivation {
  if (predictions.dtype !== 'float32') {
    if (given !== undefined) fail(`activation goes with float32 predictions, got ${show(predictions)}`);
    return 'mask';
  }
  const activation = given ?? (classes > 1 ? 'softmax' : 'sigmoid');
  checkOneOf('activation', activation, ['softmax', 'sigmoid', 'none']);
  if (activation === 'softmax' && classes === 1) {
    fail(`activation 'softmax' needs at least two classes (over one it is always 1); use 'sigmoid'`);
  }
  return activation as SurfaceActivation;
}

/**
 * How predictions are read, for the checks of their values. Under softmax any values are allowed, because only their
 * order matters.
 */
function readAs(isIndices: boolean, activation: SurfaceActivation): CheckedPredictions['as'] {
  if (isIndices) return 'indices';
  if (activation === 'softmax') return 'scores';
  return activation === 'mask' ? 'none' : activation;
}

/**
 * A pixel is inside if its class has the pixel's largest value (the first in a tie), and that value is above `bound`.
 */
function sidesOfLargest(values: Tensor, weights: Tensor | null, layout: Layout, bound: number): Sides {
  const { classes } = layout;
  const data = toLabelPixels(values, 'soft', layout).dataSync();
  const winners = Int32Array.from({ length: data.length / classes }, (_, pixel) => {
    const row = data.subarray(pixel * classes, (pixel + 1) * classes);
    const winner = largest(row); // NaN if any value is NaN; the pixel then belongs to no class
    return winner > bound ? row.indexOf(winner) : -1;
  });
  return sidesWhere((pixel, c) => winners[pixel] === c, weights, layout);
}

/** A pixel is inside if its value is above 0. */
function sidesOfPositive(values: Tensor, weights: Tensor | null, layout: Layout): Sides {
  const data = toPixels(values, layout).dataSync();
  return sidesWhere((pixel, c) => data[pixel * layout.classes + c]! > 0, weights, layout);
}
