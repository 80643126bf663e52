import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { constant } from '../ops/constant.js';
import { LOVASZ_RULES, lovaszValue, type LovaszLoss, type LovaszOptions } from './families/lovasz.js';
import { lovaszSlopes, piecewiseLinear, sumRows } from './families/lovaszExtension.js';
import { makeLoss } from './descriptions/makeLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import type { Reduction } from './families/options.js';

export type LovaszHingeLossOptions<R extends Reduction = Reduction> = LovaszOptions<R>;

/** A hinge error is at most this, so that a logit of -Infinity gives a finite loss. */
const LARGEST_ERROR = 1e9;

const lovaszHinge: LovaszLoss = {
  activation: 'sigmoid',
  labels: 'hard',
  read: ({ labelKind }, { labels, scaled }) => ({
    labels: labelKind === 'soft' ? hardLabels(labels) : labels,
    predictions: scaled,
  }),
  values: ({ labels: t, predictions, weights }) =>
    piecewiseLinear(predictions, (z) => {
      const side = tf.sub(tf.mul(t, 2), 1);
      const margin = tf.sub(1, tf.mul(z, side));
      // tf.relu may hide NaN.
      const right = tf.less(margin, 0);
      const errors: Tensor2D = tf.minimum(tf.where(right, tf.zerosLike(z), margin), LARGEST_ERROR);
      const missed: Tensor2D = tf.mul(weights, t);
      const slopes = lovaszSlopes({ errors, missed, extra: tf.sub(weights, missed) }, t);
      return { value: sumRows(tf.mul(slopes, errors)), slopes: tf.neg(tf.mul(tf.mul(slopes, side), tf.step(errors))) };
    }),
};

/** Labels of 0 and 1: the hinge is not defined for labels between them. */
function hardLabels(labels: Tensor3D): Tensor3D {
  return constant(() => tf.cast(tf.greater(labels, 0.5), 'float32'));
}

/**
 * Lovász hinge loss of binary problems: per sample and class the Lovász extension of the Jaccard distance 1 - I/U at
 * the hinge errors. The error of a logit z is max(0, 1 - s z), with s = 1 where the label is 1 and -1 where it is 0.
 * With the errors e_k in descending order, the loss is Σ_k (F(k) - F(k - 1)) e_k, where F(k) is the Jaccard distance if
 * just the k pixels with the largest errors are wrong. It is convex in z, never below the Jaccard distance of the
 * thresholded prediction z > 0, and 0 where every logit is right by a margin of 1.
 *
 * With several classes, each is a binary problem of its own, so classes may overlap.
 *
 * The hinge works on logits, not probabilities, and does not support soft labels: labels are 0 or 1, or class indices.
 * Other labels are an error where values are checked (see `checkValues`); otherwise those above 1/2 count as 1. No
 * gradient flows to labels.
 *
 * The loss is piecewise linear, so second derivatives are 0 almost everywhere. Pixels whose errors tie stay in their
 * order, which gives one of the subgradients. They are sorted with tf.topk, which on WebGL (not WebGPU) reads the
 * errors back.
 *
 * @param labels zeros and ones `[N, ...spatial, C]`, or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @param options by default `classes` is `'all'` and `aggregate` is `'image'`, as in the authors' code. A pixel to
 * which the mask gives weight 2 counts twice. `sharpness` multiplies the logits
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values are >= 0
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[1], [1], [0]]]); // shape [1, 3, 1]: one sample, three pixels, one class
 * const logits = tf.tensor([[[2], [-0.5], [-1]]]);
 * lovaszHingeLoss(labels, logits); // 0.75
 * tf.grad((z) => lovaszHingeLoss(labels, z))(logits); // [[[0], [-0.5], [0]]]
 * ```
 *
 * @see Berman, Rannen Triki, Blaschko, The Lovász-softmax loss, CVPR 2018, arXiv 1705.08790
 * @see Yu, Blaschko, Learning submodular losses with the Lovász hinge, ICML 2015
 * @function
 */
export const lovaszHingeLoss: ClassLoss<LovaszHingeLossOptions> = /* @__PURE__ */ makeLoss<
  LovaszHingeLossOptions,
  ClassLoss<LovaszHingeLossOptions>
>({
  name: 'lovaszHingeLoss',
  options: LOVASZ_RULES,
  own: [],
  range: [0, 1e9],
  loss: (labels, predictions, options) =>
    inFunction('lovaszHingeLoss', () => lovaszValue(lovaszHinge, labels, predictions, options)),
});
