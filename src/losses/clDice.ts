import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { tensorAlgebra } from '../algebra/tensors.js';
import { fail, showShape } from '../checks.js';
import { constant } from '../ops/constant.js';
import { resolveInputs, type LossInputs } from '../overlap/inputs.js';
import { countedClasses, reduceClasses, resolveAbsent, withAbsent } from './families/reduceClasses.js';
import {
  resolveGeometryReduction,
  GEOMETRY_RULES,
  shapeOfReduction,
  type GeometryOptions,
} from './families/geometry.js';
import { softMaps, weightedSum, weightOfSamples } from '../overlap/softMaps.js';
import { resolveIterations, skeletonOf } from '../morphology/softSkeleton.js';
import { makeLoss } from './descriptions/makeLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import { completeOptions, joinRules, type OptionRules } from './descriptions/optionRules.js';
import { ABSENT_RULE, type Reduction, type RegionOptions } from './families/options.js';

export interface ClDiceLossOptions<R extends Reduction = Reduction> extends GeometryOptions<R> {
  /** The iterations of `softSkeleton`, >= 0: at least the largest radius of a structure in pixels. Default 3. */
  iterations?: number;
  /** Added to the numerators and the denominators of precision and sensitivity, >= 0. Default 1. */
  smooth?: number;
  /** How an absent class (one without a label in the sample) contributes, as in the region losses. */
  absent?: RegionOptions['absent'];
}

const CL_DICE_RULES = /* @__PURE__ */ joinRules(GEOMETRY_RULES, {
  iterations: { kind: 'number', default: 3, least: 0, integer: true },
  smooth: { kind: 'number', default: 1, least: 0 },
  absent: ABSENT_RULE,
}) satisfies OptionRules<ClDiceLossOptions>;

/**
 * clDice loss, for tubes and networks whose connections matter: per sample and class 1 - 2 Q R/(Q + R). Let S be the
 * `softSkeleton` and s the option `smooth`. Q = (Σ w S(p) t + s)/(Σ w S(p) + s) is the share of the predicted
 * centreline that lies in the label, and R = (Σ w S(t) p + s)/(Σ w S(t) + s) is the share of the label's centreline
 * that is predicted.
 *
 * It compares centrelines and ignores thickness, so combine it with a region loss: Shit et al. give it up to half of
 * the total weight, and Dice the rest. On hard labels it is 0 at p = t. On soft labels its minimum is not at p = t.
 *
 * It needs much memory: value and gradient of a 2-D batch held up to 173 tensors of the size of the predictions at once
 * with 3 iterations, and up to 109 with 1 iteration.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]` with at least one spatial axis
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const vessel = tf.tensor([0, 0, 0, 1, 1, 1, 0, 0, 0], [1, 3, 3, 1]);
 * const cut = tf.tensor([0, 0, 0, 1, 0, 1, 0, 0, 0], [1, 3, 3, 1]);
 * clDiceLoss(vessel, cut, { activation: 'none' }); // 0.142857
 * clDiceLoss(vessel, cut, { activation: 'none', smooth: 0 }); // 0.2
 * ```
 *
 * @see Shit et al., clDice: a novel topology-preserving loss function for tubular structure segmentation, CVPR 2021,
 * arXiv 2003.07311
 * @function
 */
export const clDiceLoss: ClassLoss<ClDiceLossOptions> = /* @__PURE__ */ makeLoss<
  ClDiceLossOptions,
  ClassLoss<ClDiceLossOptions>
>({
  name: 'clDiceLoss',
  options: CL_DICE_RULES,
  own: ['iterations', 'smooth', 'absent'],
  range: [0, 1],
  loss: clDiceValue,
});

function clDiceValue(labels: Tensor, predictions: Tensor, options: ClDiceLossOptions): Tensor {
  return inFunction('clDiceLoss', () => {
    const { smooth } = completeOptions({ smooth: CL_DICE_RULES.smooth }, options);
    const iterations = resolveIterations(options.iterations);
    const inputs = resolveInputs(labels, predictions, options);
    const { layout } = inputs;
    const { classes, reduction } = resolveGeometryReduction(options, layout);
    const absent = resolveAbsent(options, layout.classes);
    if (layout.spatial.length === 0) {
      fail(`needs at least one spatial axis, got predictions ${showShape(layout.shape)}`);
    }

    const { predicted: p, labelled: t } = softMaps(inputs);
    const skeleton = skeletons(inputs, iterations);
    const skeletonOfP = skeleton(p);
    const skeletonOfT = inputs.labelKind === 'indices' ? constant(() => skeleton(t)) : skeleton(t);

    const a = tensorAlgebra;
    const sum = (x: Tensor3D) => weightedSum(x, inputs);
    const share = (part: Tensor3D, whole: Tensor3D) => a.divide(a.add(sum(part), smooth), a.add(sum(whole), smooth), 1);
    const precision = share(tf.mul(skeletonOfP, t), skeletonOfP);
    const sensitivity = share(tf.mul(skeletonOfT, p), skeletonOfT);
    const twice = a.mul(a.mul(precision, sensitivity), 2);
    const values = a.sub(1, a.divide(twice, a.add(precision, sensitivity), 0));

    const table = { predicted: sum(p), labelled: sum(t), valid: weightOfSamples(inputs) };
    const weights = a.mul(countedClasses(a, absent, classes, table), a.row(classes.weights));
    const loss = reduceClasses(a, withAbsent(a, absent, values, table), weights, reduction);
    return tf.reshape(loss, shapeOfReduction({ classes, reduction }, layout.samples));
  });
}

/** A function from a map [N,P,C] to its skeleton. */
function skeletons({ weights, layout }: LossInputs, iterations: number): (x: Tensor3D) => Tensor3D {
  const { samples, spatial, classes } = layout;
  const shape = [samples, ...spatial, classes];
  const axes = spatial.map((_, i) => i + 1);
  const counts =
    weights &&
    constant(() => {
      const perPixel = tf.reshape(tf.greater(weights, 0), [samples, ...spatial, 1]);
      return tf.broadcastTo(perPixel, shape);
    });
  return (x) => tf.reshape(skeletonOf(tf.reshape(x, shape), axes, iterations, counts as Tensor | null), x.shape);
}
