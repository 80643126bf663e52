import { makeRegionLoss } from './descriptions/makeRegionLoss.js';
import type { ClassLoss } from './descriptions/lossDescription.js';
import { diceCoefficient, type DiceLossOptions } from './dice.js';
import { FLAG } from './descriptions/optionRules.js';
import type { Reduction } from './families/options.js';

export type LogCoshDiceLossOptions<R extends Reduction = Reduction> = Omit<DiceLossOptions<R>, 'log'>;

/**
 * Log-cosh Dice loss: per sample and class log(cosh(d)), with d the value of `diceLoss`. For small d it is about d²/2,
 * so its gradient fades as the overlap becomes right: it is smooth at its minimum, where Dice has a kink.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, C]` with reduction `'none'`; `[N]` with `'sample'`. Values lie in [0, 0.434], except the cost
 * of an absent class under `absent: 'penalize'`: its mean predicted probability, in [0, 1]
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[1, 0, 0, 0]], [1, 2, 2, 1]); // a mask with one class
 * const logits = tf.zeros([1, 2, 2, 1]);
 * diceLoss(labels, logits); // 0.66667
 * logCoshDiceLoss(labels, logits); // 0.20748
 * ```
 *
 * @see Jadon, A survey of loss functions for semantic segmentation, CIBCB 2020, arXiv 2006.14822
 * @function
 */
export const logCoshDiceLoss: ClassLoss<LogCoshDiceLossOptions> =
  /* @__PURE__ */ makeRegionLoss<LogCoshDiceLossOptions>({
    name: 'logCoshDiceLoss',
    options: { squared: FLAG },
    lowestAtLabels: ({ overlap, squared }) => overlap !== 'product' || squared === true,
    squared: ({ squared }) => squared,
    value: (a, sums, { smooth }) => a.logCosh(a.sub(1, diceCoefficient(a, sums, smooth))),
  });
