import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { tensorAlgebra } from '../algebra/tensors.js';
import { fail, LARGEST_NUMBER } from '../checks.js';
import { classMaps, distancesToOtherSide, sidesOf } from '../distance/sides.js';
import { resolveSpacing, type Spacing } from '../distance/spacing.js';
import { resolveInputs, type LossInputs } from '../overlap/inputs.js';
import { makeLoss } from './descriptions/makeLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import { completeOptions, joinRules, OTHER, type OptionRules } from './descriptions/optionRules.js';
import type { Reduction } from './families/options.js';
import {
  reduceGeometry,
  resolveGeometryReduction,
  GEOMETRY_RULES,
  shapeOfReduction,
  type GeometryOptions,
} from './families/geometry.js';
import { softMaps, weightedSum, weightOfSamples, type SoftMaps } from '../overlap/softMaps.js';

export interface HausdorffLossOptions<R extends Reduction = Reduction> extends GeometryOptions<R> {
  /** The exponent of the distances, > 0: the larger it is, the more the farthest errors count. Default 2. */
  alpha?: number;
  /** The distance between neighbouring pixels, > 0: a number, or one for each spatial axis. Default 1. */
  spacing?: Spacing;
}

const HAUSDORFF_RULES = /* @__PURE__ */ joinRules(GEOMETRY_RULES, {
  alpha: { kind: 'number', default: 2, least: 0, open: true, ownMeaning: true },
  spacing: OTHER,
}) satisfies OptionRules<HausdorffLossOptions>;

/**
 * Hausdorff loss in its distance transform form: per sample and class Σ w (p - t)² (d_T^alpha + d_P^alpha) / Σ w, where
 * d_T is the distance of a pixel to the border of the label (to the nearest pixel on the other side of it), and d_P
 * that to the border of the prediction. The borders are where t and p pass 0.5. A map without a border (no pixel
 * inside, or all of them) has the distance 0 everywhere. No gradient flows through the distances.
 *
 * It is 0 at p = t on soft labels too. Where neither map has a border it is 0 and has no gradient, so combine it with a
 * region loss such as `diceLoss`.
 *
 * It reads labels and probabilities back in each step, and computes the distances in float64 on the processor.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]` with at least one spatial axis
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`; >= 0, in the unit of spacing^alpha
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 0, 0, 1]], [1, 4], 'int32'); // one row of four pixels, the last of class 1
 * const logits = tf.tensor([[[9, -9], [-9, 9], [9, -9], [-9, 9]]]); // finds it, and a false one 2 pixels away
 * hausdorffLoss(labels, logits); // 1.25
 * hausdorffLoss(labels, logits, { alpha: 1, spacing: 0.5 }); // 0.375
 * ```
 *
 * @see Karimi & Salcudean, Reducing the Hausdorff distance in medical image segmentation with convolutional neural
 * networks, IEEE TMI 2020, arXiv 1904.10030
 * @function
 */
export const hausdorffLoss: ClassLoss<HausdorffLossOptions> = /* @__PURE__ */ makeLoss<
  HausdorffLossOptions,
  ClassLoss<HausdorffLossOptions>
>({
  name: 'hausdorffLoss',
  options: HAUSDORFF_RULES,
  own: ['alpha', 'spacing'],
  range: [0, Infinity],
  loss: hausdorffValue,
});

function hausdorffValue(labels: Tensor, predictions: Tensor, options: HausdorffLossOptions): Tensor {
  return inFunction('hausdorffLoss', () => {
    const { alpha } = completeOptions({ alpha: HAUSDORFF_RULES.alpha }, options);
    const inputs = resolveInputs(labels, predictions, options);
    const { layout } = inputs;
    const reduction = resolveGeometryReduction(options, layout);
    const spacing = resolveSpacing(options.spacing ?? 1, layout.spatial);
    checkPowers(layout.spatial, spacing, alpha);

    const maps = softMaps(inputs);
    const distances = powersOfDistances(maps, inputs, reduction.classes.included, spacing, alpha);
    const errors = tf.mul(tf.square(tf.sub(maps.predicted, maps.labelled)), distances) as Tensor3D;

    const a = tensorAlgebra;
    const valid = weightOfSamples(inputs);
    const values = a.divide(weightedSum(errors, inputs), valid, 0);
    const loss = reduceGeometry(a, values, a.step(valid), reduction);
    return tf.reshape(loss, shapeOfReduction(reduction, layout.samples));
  });
}

/** Refuses an alpha for which the longest possible distance to the power of alpha is too large for float32. */
function checkPowers(spatial: readonly number[], spacing: readonly number[], alpha: number): void {
  const longest = Math.sqrt(spatial.reduce((sum, size, i) => sum + (size * spacing[i]!) ** 2, 0));
  const power = longest ** alpha;
  if (power > LARGEST_NUMBER) {
    fail(`distances up to ${longest} to the power of alpha ${alpha} must be at most ${LARGEST_NUMBER}, got ${power}`);
  }
}

/** d_T^alpha + d_P^alpha, [N,P,C]. */
function powersOfDistances(
  { predicted, labelled }: SoftMaps,
  { weights, layout }: LossInputs,
  included: readonly number[],
  spacing: readonly number[],
  alpha: number,
): Tensor {
  const { samples, pixels, classes, spatial } = layout;
  const powers = [predicted, labelled].map((values) => {
    const sides = sidesOf(values, 'soft', weights, { ...layout, shape: values.shape, axis: 2 });
    return classMaps(layout, included, (n, c) => {
      const distances = distancesToOtherSide(sides.at(n, c), spatial, spacing);
      return distances && distances.map((distance) => distance ** alpha);
    });
  });
  const [predictedPowers, labelledPowers] = powers as [Float32Array, Float32Array];
  return tf.tensor3d(
    labelledPowers.map((power, i) => power + predictedPowers[i]!),
    [samples, pixels, classes],
  );
}
