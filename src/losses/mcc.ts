import { makeRegionLoss } from './descriptions/makeRegionLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import type { Reduction, RegionOptions } from './families/options.js';

export type MccLossOptions<R extends Reduction = Reduction> = RegionOptions<R>;

/** V - T counts as 0 up to this share of V, which is the rounding of sums in float32. */
const FULL = 2e-7;

/**
 * Loss of Matthews's correlation coefficient: per sample and class 1 - (I·V - P·T)/√(P·T·(V - P)·(V - T)), which is
 * 1 - (TP·TN - FP·FN)/√((TP + FP)(TP + FN)(TN + FP)(TN + FN)) with TP = I, FP = P - I, FN = T - I and
 * TN = V - P - T + I. P = Σ w p, T = Σ w t, V = Σ w, and I = Σ w min(p, t) (`overlap: 'metric'`) or Σ w p t
 * (`'product'`). Unlike Dice it also counts true negatives: it stays the same when class and background are swapped.
 *
 * In the metric form it is 0 exactly at p = t on soft labels. `smooth` is added to each of the four counts. Where the
 * labels are all 0 or all 1 there is no correlation: the value is the mean of abs(p - t). By default this concerns only
 * classes that fill the image, because `absent` skips or penalizes absent ones first. Where only the predictions are
 * all 0 or all 1 the coefficient is 0.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 2], 1 is chance
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[1, 0, 0, 0]], [1, 2, 2, 1]); // a mask with one class
 * const probabilities = tf.tensor([[1, 1, 0, 0]], [1, 2, 2, 1]);
 * mccLoss(labels, probabilities, { activation: 'none' }); // 0.42265
 * ```
 *
 * @see Abhishek & Hamarneh, Matthews correlation coefficient loss for deep convolutional networks, ISBI 2021,
 * arXiv 2010.13454
 * @function
 */
export const mccLoss: ClassLoss<MccLossOptions> = /* @__PURE__ */ makeRegionLoss<MccLossOptions>({
  name: 'mccLoss',
  options: {},
  range: [0, 2],
  value(a, sums, { smooth }) {
    // `smooth` is added to each of the four counts. It is added last: beside V it would lose its digits.
    const plus = (count: typeof sums.intersection, counts = 1) => a.add(count, counts * smooth);
    const predicted = plus(sums.predicted, 2);
    const labelled = plus(sums.labelled, 2);
    const notPredicted = plus(a.sub(sums.valid, sums.predicted), 2);
    const notLabelled = plus(a.sub(sums.valid, sums.labelled), 2);
    const valid = plus(sums.valid, 4);
    const share = (x: typeof valid) => a.divide(x, valid, 0);

    // TP·TN - FP·FN, divided by V.
    const falsePositive = a.sub(sums.predicted, sums.intersection);
    const trueNegative = a.sub(a.sub(sums.valid, sums.labelled), falsePositive);
    const falseNegative = a.sub(sums.labelled, sums.intersection);
    const covariance = a.sub(
      a.mul(plus(sums.intersection), share(plus(trueNegative))),
      a.mul(plus(falsePositive), share(plus(falseNegative))),
    );
    const variances = a.mul(share(a.mul(predicted, notPredicted)), share(a.mul(labelled, notLabelled)));
    const correlation = a.divide(covariance, a.power(variances, 0.5), 0);

    // Labels that are all the same have no correlation with anything: the value is then the mean of abs(p - t).
    const varied = a.mul(a.step(labelled), a.step(a.sub(notLabelled, a.mul(valid, FULL))));
    const wrong = a.add(share(a.mul(predicted, share(notLabelled))), share(a.mul(labelled, share(notPredicted))));
    return a.add(a.mul(varied, a.sub(1, correlation)), a.mul(a.sub(1, varied), wrong));
  },
});
