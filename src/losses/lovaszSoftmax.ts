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

/** Below it, t or 1 - t is no way to go. */
const SHORTEST_WAY = 1e-30;

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
    // How far the pixel has gone on the way from t to 1, or to 0: abs(p - t) itself for t of 0 and 1.
    const way = tf.where(tf.cast(isExtra, 'bool'), tf.sub(1, t), t);
    const errors: Tensor2D = ratio(tf.abs(tf.sub(p, t)), tf.maximum(way, SHORTEST_WAY));
    const missed: Tensor2D = tf.sub(weights, extra);
    return { errors, missed, extra, side };
  });
}

/** 0, with the gradient of the values to the labels, which is computed only if somebody differentiates by them. */
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
 * Lovász-softmax loss: per sample and class the Lovász extension of the Jaccard distance 1 - I/U, at the errors
 * abs(p - t) sorted in descending order: Σ_k (F(k) - F(k - 1)) e_k, where F(k) is the Jaccard distance if just the k
 * pixels with the largest errors are wrong. It equals 1 - IoU where all p are 0 or 1, and is convex in p on hard labels.
 *
 * Soft labels are taken in the form that keeps both properties of the hard ones which matter: the loss is 0 exactly at
 * p = t, and equals the metric form of `iouLoss` wherever each p is 0, 1 or t. Pixels are then sorted by how far they
 * have gone from t, (p - t)/(1 - t) or (t - p)/t. (Running the authors' code with soft labels would not: at t = 0.3,
 * p = 0 everywhere it gives 0.3, though the IoU is 0.) The form is softseg's own, not the authors'.
 *
 * Second derivatives are 0 almost everywhere: the loss is piecewise linear in p; mixed ones with labels are left out.
 * Where errors tie, the gradient is that of the order in which the pixels stand, one of the subgradients. Pixels are
 * sorted with tf.topk, which on WebGL (not WebGPU) reads the errors back.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @param options `classes` is by default `'present'` with C > 1, `'all'` with C = 1 and for sigmoid; `aggregate` is
 * `'image'` (the authors' code: the batch). A mask may weigh pixels: weight 2 is the pixel twice
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
