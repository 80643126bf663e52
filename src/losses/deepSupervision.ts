import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import {
  checkAxis,
  checkDtype,
  checkHoldsValues,
  checkNumberList,
  checkOneOf,
  checkOptionNames,
  checkTensor,
  entriesOf,
  fail,
  show,
  showShape,
} from '../checks.js';
import { layoutOf, sameShape, type Layout } from '../kernels/layout.js';
import { asTheyAre, atScale, withAxis, type FullLabels, type ScaleOptions } from './families/labelsAtScale.js';
import { checkIgnoreLabel, checkMask, pixelWeights, resolveLabelKind } from '../overlap/inputs.js';
import { checkPixelValues } from '../overlap/valueChecks.js';

/** A loss of the package, or any function from labels and predictions to a tensor. */
export type ScaleLoss<T extends Tensor = Tensor> = (labels: Tensor, predictions: Tensor, options: ScaleOptions) => T;

export interface DeepSupervisionLossOptions extends ScaleOptions {
  /** The weight of each prediction, >= 0. Default 1/2^i for the i-th, counted from 0, divided by the sum of all. */
  weights?: readonly number[];
  /**
   * How labels are brought to a smaller scale: `'average'` (default) takes the mean over the area that a coarse pixel
   * covers, with class indices as shares of the classes; `'nearest'` takes the pixel in the middle of that area, so
   * that hard labels stay hard.
   */
  resize?: 'average' | 'nearest';
}

/**
 * Deep supervision: Σ weight·loss(labels, predictions) over predictions at several scales, with the labels brought to
 * each scale. Where half of the pixels that a coarse pixel covers belong to a class, its label is 0.5, so use a loss
 * that is suitable for soft labels. There may be any number of spatial axes, and a scale need not divide the labels'
 * size.
 *
 * `mask` and `ignoreLabel` leave pixels out of the averages; the mask of a coarse pixel is the mean weight. Pass them
 * to this function, not to the loss: the loss receives them, and `axis`, as its third argument, and a function of your
 * own has to pass this argument on. At the labels' own scale the loss receives labels, mask and ignoreLabel unchanged.
 *
 * @param loss a loss of this package, or `(labels, predictions, options) => tensor`
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions a list of logits `[N, ...smaller, C]`, the finest first
 * @returns the sum, in the shape of the loss, which must be the same at each scale (so not with reduction `'none'`)
 * @throws if shapes, dtypes or options do not fit, or a prediction is larger than the labels
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 1, 1, 1]], [1, 2, 2], 'int32'); // class indices of a 2×2 image
 * const outputs = [tf.zeros([1, 2, 2, 2]), tf.zeros([1, 1, 1, 2])]; // logits of two decoder levels
 * deepSupervisionLoss(comboLoss, labels, outputs);
 * deepSupervisionLoss((t, z, options) => diceLoss(t, z, { ...options, squared: true }), labels, outputs, {
 *   weights: [1, 0.5],
 * });
 * deepSupervisionLoss((t) => t.mean([0, 1, 2]), labels.toFloat().expandDims(3), [tf.zeros([1, 1, 1, 1])]); // [0.75]
 * ```
 *
 * @see Lee et al., Deeply-supervised nets, AISTATS 2015, arXiv 1409.5185; Isensee et al., nnU-Net, Nature Methods 2021
 */
export function deepSupervisionLoss<T extends Tensor>(
  loss: ScaleLoss<T>,
  labels: Tensor,
  predictions: readonly Tensor[],
  options: DeepSupervisionLossOptions = {},
): T {
  return inFunction('deepSupervisionLoss', () => {
    if (typeof loss !== 'function') fail(`loss must be a function, got ${show(loss)}`);
    checkOptionNames(options, ['weights', 'resize', 'axis', 'mask', 'ignoreLabel']);
    const { resize = 'average' } = options;
    checkOneOf('resize', resize, ['average', 'nearest']);
    const layouts = resolveLayouts(predictions, options.axis);
    const weights = resolveWeights(options.weights, predictions.length);
    const full = resolveLabels(labels, layouts[0]!, options);
    for (const { shape, spatial } of layouts) {
      if (spatial.some((size, i) => size > full.layout.spatial[i]!)) {
        fail(`predictions ${showShape(shape)} are larger than labels ${showShape(labels.shape)}`);
      }
    }
    return tf.tidy(() => {
      // At the labels' own scale the loss checks their values. If no prediction has that scale they are checked here,
      // because resized labels no longer show what was wrong with them.
      if (layouts.every(({ spatial }) => !sameShape(spatial, full.layout.spatial))) checkFullLabels(full, options);
      const terms = layouts.map((layout, i) => {
        const scaled = sameShape(layout.spatial, full.layout.spatial) ? asTheyAre(full) : atScale(full, layout, resize);
        const value: unknown = loss(scaled.labels, predictions[i]!, scaled.options);
        checkTensor('the result of the loss', value);
        return tf.mul(value, weights[i]!);
      });
      const shapes = terms.map(({ shape }) => showShape(shape));
      if (new Set(shapes).size > 1) {
        fail(`the loss must give one shape at every scale, got ${shapes.join(', ')}; reduction 'none' does not`);
      }
      return tf.addN(terms) as T;
    });
  });
}

function resolveLayouts(predictions: unknown, axisOption = -1): Layout[] {
  const entries = entriesOf(predictions);
  if (!entries || entries.length === 0) {
    fail(`predictions must be a list of tensors, the finest first, got ${show(predictions)}`);
  }
  const layouts = entries.map((prediction, i) => {
    checkTensor(`predictions[${i}]`, prediction);
    checkDtype(`predictions[${i}]`, prediction, ['float32']);
    const { shape } = prediction;
    if (shape.length < 2) fail(`predictions must be [N, ...spatial, C], got shape ${showShape(shape)}`);
    checkHoldsValues(`predictions[${i}]`, prediction);
    return layoutOf(shape, checkAxis(axisOption, shape, 'axis', 1));
  });
  const [first] = layouts as [Layout];
  for (const { shape, samples, classes } of layouts) {
    if (shape.length !== first.shape.length || samples !== first.samples || classes !== first.classes) {
      fail(`predictions may differ in spatial sizes only, got ${showShape(first.shape)} and ${showShape(shape)}`);
    }
  }
  return layouts;
}

function resolveWeights(weights: unknown, count: number): readonly number[] {
  if (weights === undefined) {
    const halves = Array.from({ length: count }, (_, i) => 2 ** -i);
    return halves.map((weight) => weight / (2 - 2 ** (1 - count)));
  }
  return checkNumberList('weights', weights, `a list of ${count} numbers, one per prediction`, count, { least: 0 });
}

function resolveLabels(labels: Tensor, scale: Layout, options: DeepSupervisionLossOptions): FullLabels {
  checkTensor('labels', labels);
  const { axis, samples, classes } = scale;
  const rank = scale.shape.length;
  const spatial = labels.rank === rank ? labels.shape.filter((_, i) => i !== 0 && i !== axis) : labels.shape.slice(1);
  // Labels of a rank that fits neither get the same error as in the losses, from resolveLabelKind.
  const sizes = spatial.length === rank - 2 ? spatial : scale.spatial;
  const layout = layoutOf(withAxis([samples, ...sizes], axis, classes), axis);
  const kind = resolveLabelKind(labels, layout, options.axis ?? -1);
  checkIgnoreLabel(options.ignoreLabel, kind);
  checkMask(options.mask, layout);
  const { mask, ignoreLabel } = options;
  const given = {
    ...(options.axis === undefined ? {} : { axis: options.axis }),
    ...(mask === undefined ? {} : { mask }),
    ...(ignoreLabel === undefined ? {} : { ignoreLabel }),
  };
  return { labels, kind, layout, options: given };
}

function checkFullLabels(full: FullLabels, options: DeepSupervisionLossOptions): void {
  const { labels, kind, layout } = full;
  const weights = pixelWeights(labels, kind, layout, options);
  const checked = { tensor: labels, kind, rule: 'masks' } as const;
  checkPixelValues({ labels: checked, predictions: null, weights, layout }, options);
}
