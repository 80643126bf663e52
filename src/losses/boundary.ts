import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkDtype, checkTensor, fail, showShape } from '../checks.js';
import { classMaps, sidesOf } from '../distance/sides.js';
import { signedMap } from '../distance/signedMap.js';
import { resolveSpacing, type Spacing } from '../distance/spacing.js';
import { dependOn } from '../ops/dependOn.js';
import { fromPixels, sameShape } from '../kernels/layout.js';
import { lossOfSums } from '../overlap/lossOfSums.js';
import type { SumsFormula } from '../overlap/sumsFormula.js';
import { resolveInputs, type LossInputs } from '../overlap/inputs.js';
import { checkFiniteValues } from '../overlap/valueChecks.js';
import { makeLoss } from './descriptions/makeLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import { joinRules, OTHER, type OptionRules } from './descriptions/optionRules.js';
import type { Reduction } from './families/options.js';
import {
  reduceGeometry,
  resolveGeometryReduction,
  GEOMETRY_RULES,
  shapeOfReduction,
  type GeometryOptions,
  type GeometryReduction,
} from './families/geometry.js';

export interface BoundaryLossOptions<R extends Reduction = Reduction> extends GeometryOptions<R> {
  /**
   * Distance maps: those of `signedDistance` or others, float32, in the shape of the predictions. By default they are
   * computed from the labels, which are read back for it in every step.
   */
  distances?: Tensor;
  /**
   * The distance between neighbouring pixels, > 0: a number, or one for each spatial axis. Default 1. It cannot be
   * combined with `distances`.
   */
  spacing?: Spacing;
}

const BOUNDARY_RULES: OptionRules<BoundaryLossOptions> = /* @__PURE__ */ joinRules(GEOMETRY_RULES, {
  distances: OTHER,
  spacing: { kind: 'other', notWith: 'distances' },
});

/**
 * Boundary loss: per sample and class Σ w p φ / Σ w, with φ the signed distance from the border of the label, positive
 * outside and at most 0 inside (see `signedDistance`). Probability far outside the label costs most, and probability
 * deep inside it lowers the loss most. The loss can be negative, and is lowest when p is 1 where φ < 0 and 0 where
 * φ > 0.
 *
 * It is 0 for a class that is absent from the sample (φ is 0 there), so combine it with a region loss such as
 * `diceLoss`: Kervadec et al. add it with a weight that grows from 0.01 during training.
 *
 * Without `distances` it reads the labels back in every step. It is cheaper to compute the maps once for each image,
 * with `signedDistance` in the data pipeline, and to pass them as `distances`; the labels are then used for
 * `ignoreLabel` only. Where a model's targets are the maps themselves, its loss is
 * `(maps, logits) => boundaryLoss(maps, logits, { distances: maps })`.
 *
 * @param labels soft labels `[N, ...spatial, C]`, inside above 0.5, or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]` with at least one spatial axis
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`; in the unit of the distances
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 0, 1, 1]], [1, 4], 'int32'); // one row of four pixels, the last two of class 1
 * const logits = tf.tensor([[[9, -9], [9, -9], [-9, 9], [9, -9]]]); // the last one is missed
 * boundaryLoss(labels, logits); // 0
 * const distances = signedDistance(labels, { classes: 2 }); // once for each image
 * boundaryLoss(labels, tf.reverse(logits, 1), { distances }); // 0.25
 * ```
 *
 * @see Kervadec et al., Boundary loss for highly unbalanced segmentation, MIDL 2019, arXiv 1812.07032
 * @function
 */
export const boundaryLoss: ClassLoss<BoundaryLossOptions> = /* @__PURE__ */ makeLoss<
  BoundaryLossOptions,
  ClassLoss<BoundaryLossOptions>
>({
  name: 'boundaryLoss',
  options: BOUNDARY_RULES,
  own: ['distances', 'spacing'],
  range: [-Infinity, Infinity],
  loss: boundaryValue,
});

function boundaryValue(labels: Tensor, predictions: Tensor, options: BoundaryLossOptions): Tensor {
  return inFunction('boundaryLoss', () => {
    const rule = options.distances === undefined ? 'shares' : 'unread';
    const inputs = resolveInputs(labels, predictions, options, { rule });
    const reduction = resolveGeometryReduction(options, inputs.layout);
    const distances = givenMaps(options, inputs) ?? mapsOfLabels(options, inputs, reduction);
    // Σ w p φ is the sum that the pass calls intersection, with φ in place of the labels.
    const loss = lossOfSums({ ...inputs, labels: distances, labelKind: 'soft', fn: null }, boundaryFormula(reduction));
    return labels.dtype === 'float32' ? dependOn(loss, labels) : loss;
  });
}

function boundaryFormula(reduction: GeometryReduction): SumsFormula<'intersection'> {
  return {
    sums: ['intersection'],
    value: (a, { intersection, valid }) =>
      reduceGeometry(a, a.divide(intersection, valid, 0), a.step(valid), reduction),
    shape: (samples) => shapeOfReduction(reduction, samples),
  };
}

function givenMaps(options: BoundaryLossOptions, inputs: LossInputs): Tensor | null {
  const { distances, spacing } = options;
  const { layout } = inputs;
  if (distances === undefined) return null;
  checkTensor('distances', distances);
  checkDtype('distances', distances, ['float32']);
  if (!sameShape(distances.shape, layout.shape)) {
    const [given, wanted] = [showShape(distances.shape), showShape(layout.shape)];
    fail(`distances must have the shape of the predictions ${wanted}, got ${given}`);
  }
  if (spacing !== undefined) fail(`spacing cannot be combined with distances, which have a spacing already`);
  checkFiniteValues('distances', distances, inputs, options);
  return distances;
}

function mapsOfLabels(
  options: BoundaryLossOptions,
  { labels, labelKind, weights, layout }: LossInputs,
  { classes }: GeometryReduction,
): Tensor {
  const { samples, pixels, classes: count, spatial } = layout;
  const spacing = resolveSpacing(options.spacing ?? 1, spatial);
  const sides = sidesOf(labels, labelKind, weights, layout);
  const maps = classMaps(layout, classes.included, (n, c) => signedMap(sides.at(n, c), spatial, spacing));
  return fromPixels(tf.tensor(maps, [samples, pixels, count]) as Tensor3D, layout);
}
