import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { probabilities } from '../kernels/composed/pixels.js';
import { nestedGrads } from '../ops/nestedGrads.js';
import { ratio } from '../ops/ratio.js';
import { sign } from '../ops/sign.js';
import { withGradient } from '../ops/withGradient.js';
import type { InputOptions } from '../overlap/options.js';
import { LOVASZ_RULES, lovaszValue, type LovaszLoss, type LovaszOptions, type LovaszRows } from './families/lovasz.js';
import { lovaszSlopes, piecewiseLinear, sumRows, type Mistakes } from './families/lovaszExtension.js';
import { makeLoss } from './descriptions/makeLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import { joinRules, OTHER } from './descriptions/optionRules.js';
import type { Reduction } from './families/options.js';

export interface LovaszSoftmaxLossOptions<R extends Reduction = Reduction>
  extends LovaszOptions<R>, Pick<InputOptions, 'activation'> {}

/** The divisors t and 1 - t are at least this, so that 0/0 becomes 0. */
const SMALLEST_DIVISOR = 1e-30;

const lovaszSoftmax: LovaszLoss = {
  labels: 'shares',
  read: ({ activation }, { labels, scaled }) => ({ labels, predictions: probabilities(scaled, activation) }),
  values({ labels: t, predictions, weights }, { labelKind, labels }) {
    const value = piecewiseLinear(predictions, (p) => {
      const mistakes = mistakesOf({ labels: t, predictions: p, weights });
      const slopes: Tensor2D = tf.mul(lovaszSlopes(mistakes, t), mistakes.side);
      return { value: sumRows(tf.mul(slopes, tf.sub(p, t))), slopes };
    });
    return labelKind === 'soft' && labels.dtype === 'float32'
      ? tf.add(value, withLabelsGradient({ labels: t, predictions, weights }))
      : value;
  },
};

interface Sides extends Mistakes {
  /** The sign of p - t. */
  side: Tensor2D;
}

function mistakesOf({ labels: t, predictions: p, weights }: LovaszRows): Sides {
  return tf.tidy(() => {
    const side: Tensor2D = sign(tf.sub(p, t));
    const isExtra = tf.step(side);
    const extra: Tensor2D = tf.mul(weights, isExtra);
    // The error is abs(p - t) as a share of the distance from t to 1, or to 0; for t of 0 and 1 it is abs(p - t)
    // itself.
    const distance = tf.where(tf.cast(isExtra, 'bool'), tf.sub(1, t), t);
    const errors: Tensor2D = ratio(tf.abs(tf.sub(p, t)), tf.maximum(distance, SMALLEST_DIVISOR));
    const missed: Tensor2D = tf.sub(weights, extra);
    return { errors, missed, extra, side };
  });
}

/** Zeros with the gradient of the values with respect to the labels, which is computed only if a caller asks for it. */
function withLabelsGradient({ labels, predictions, weights }: LovaszRows): Tensor1D {
  return withGradient(
    labels,
    (t) => ({ value: tf.zeros<tf.Rank.R1>([t.shape[0]]), saved: [t, predictions, weights] }),
    (dy, [t, p, w]) => {
      const mistakes = mistakesOf({ labels: t, predictions: p, weights: w });
      const valueOf = (x: Tensor) => {
        const slopes = tf.mul(lovaszSlopes(mistakes, x as Tensor2D), mistakes.side);
        return sumRows(tf.mul(slopes, tf.sub(p, x)));
      };
      return nestedGrads(valueOf, [t], dy)[0]!;
    },
  );
}

/**
 * Lovász-softmax loss: per sample and class the Lovász extension of the Jaccard distance 1 - I/U. If e_k is the k-th
 * largest of the errors abs(p - t), it is Σ_k (F(k) - F(k - 1)) e_k, where F(k) is the Jaccard distance if just the k
 * pixels with the largest errors are wrong. It equals 1 - IoU where all p are 0 or 1, and is convex in p on hard
 * labels.
 *
 * On soft labels the loss keeps the two properties that matter most: it is 0 exactly at p = t, and it equals the metric
 * form of `iouLoss` (I = Σ min(p, t)) wherever each p is 0, 1 or t. For this, the error of a pixel is taken as a share
 * of the largest error possible there: (p - t)/(1 - t) if p > t, and (t - p)/t otherwise. This form is softseg's own.
 * The authors' code lacks the second property: at t = 0.3 and p = 0 everywhere it gives 0.3, though the IoU is 0.
 *
 * The loss is piecewise linear in p, so second derivatives with respect to p are 0 almost everywhere; mixed ones, with
 * respect to p and labels, are taken as 0. Pixels whose errors tie stay in their order, which gives one of the
 * subgradients. They are sorted with tf.topk, which on WebGL (not WebGPU) reads the errors back.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @param options by default `classes` is `'present'` with C > 1, and `'all'` with C = 1 and for sigmoid; `aggregate` is
 * `'image'` (in the authors' code it is the batch). A pixel to which the mask gives weight 2 counts twice
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 1, 1]], [1, 3], 'int32'); // one sample, three pixels
 * const logits = tf.tensor([[[2, -1], [0, 3], [1, 1]]]); // of two classes
 * lovaszSoftmaxLoss(labels, logits); // 0.2737
 * tf.grad((z) => lovaszSoftmaxLoss(labels, z, { classes: 'all', aggregate: 'batch' }))(logits); // shape [1, 3, 2]
 * ```
 *
 * @see Berman, Rannen Triki, Blaschko, The Lovász-softmax loss, CVPR 2018, arXiv 1705.08790
 * @function
 */
export const lovaszSoftmaxLoss: ClassLoss<LovaszSoftmaxLossOptions> = /* @__PURE__ */ makeLoss<
  LovaszSoftmaxLossOptions,
  ClassLoss<LovaszSoftmaxLossOptions>
>({
  name: 'lovaszSoftmaxLoss',
  options: /* @__PURE__ */ joinRules({ activation: OTHER }, LOVASZ_RULES),
  own: [],
  range: [0, 1],
  lowestAtLabels: true,
  loss: (labels, predictions, options) =>
    inFunction('lovaszSoftmaxLoss', () => lovaszValue(lovaszSoftmax, labels, predictions, options)),
});
