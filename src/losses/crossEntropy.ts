import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkOptionNames, fail } from '../checks.js';
import type { SumName } from '../kernels/contract.js';
import { lossOfTable } from '../overlap/sumsFormula.js';
import type { OverlapOf } from '../overlap/overlap.js';
import { defaultActivation } from '../overlap/inputs.js';
import { CROSS_ENTROPY_OPTIONS, type CrossEntropyOptions, type PerPixelResult, type Reduction } from './options.js';
import { perPixelFormula, perPixelLoss, resolveEntropy, resolvePerPixel, type ResolvedPerPixel } from './perPixel.js';
import { readTable, tableClasses } from '../overlap/checkOverlapTable.js';

export type CrossEntropyLossOptions<R extends Reduction = Reduction> = CrossEntropyOptions<R>;

/**
 * Cross-entropy with soft labels: the mean over the pixels that count of -Σ_c w_c t_c log softmax(z)_c, with class
 * weights w. With sigmoid (C = 1, or `activation: 'sigmoid'`) it is `binaryCrossEntropyLoss`.
 *
 * Minimal at p = t for soft t, and well calibrated. With `subtractEntropy` its minimum is 0.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar; `[N, ...spatial]` with reduction `'none'`; `[N]` with `'sample'`. Values are nats, >= 0
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0.93, 0.07], [0, 1]]]); // shape [1, 2, 2]: one sample, two pixels, two classes
 * const logits = tf.tensor([[[2, -1], [0, 3]]]);
 * crossEntropyLoss(labels, logits, { subtractEntropy: true });
 * crossEntropyLoss(labels, logits, { reduction: 'none' }); // shape [1, 2]
 * crossEntropyLoss(labels, logits, { hardest: 0.1 }); // the mean over the worst tenth of each image's pixels
 * ```
 *
 * @see Szegedy et al., Rethinking the Inception architecture (label smoothing), CVPR 2016, arXiv 1512.00567; Wu et al.,
 * Bridging category-level and instance-level semantic image segmentation (the hardest pixels), 2016, arXiv 1605.06885
 */
export function crossEntropyLoss<R extends Reduction = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: CrossEntropyLossOptions<R> = {},
): PerPixelResult<R> {
  return perPixelLoss(resolveCrossEntropy, labels, predictions, options) as PerPixelResult<R>;
}

/** Inside tf.tidy. */
export function resolveCrossEntropy(
  labels: Tensor,
  predictions: Tensor,
  options: CrossEntropyLossOptions,
): ResolvedPerPixel {
  return resolveEntropy('crossEntropyLoss', 'byActivation', CROSS_ENTROPY_OPTIONS, labels, predictions, options);
}

/**
 * `crossEntropyLoss` of sums that `overlap` or `mergeOverlaps` gave. The sums hold the plain cross-entropy, so
 * `labelSmoothing`, `subtractEntropy` and `hardest` are not for this function; nor is reduction `'none'`.
 */
export function crossEntropyFromOverlap<R extends Exclude<Reduction, 'none'> = 'mean'>(
  table: Partial<OverlapOf<SumName>>,
  options: Omit<CrossEntropyLossOptions<R>, 'labelSmoothing' | 'subtractEntropy' | 'hardest'> = {},
): PerPixelResult<R> {
  const fn = 'crossEntropyFromOverlap';
  const own = ['labelSmoothing', 'subtractEntropy', 'hardest'];
  checkOptionNames(
    fn,
    options,
    CROSS_ENTROPY_OPTIONS.filter((name) => !own.includes(name)),
  );
  const classes = tableClasses(fn, table);
  const { activation = defaultActivation(classes) } = options;
  const named = typeof activation === 'function' ? 'none' : activation;
  const loss = resolvePerPixel(fn, 'byActivation', options, named, classes);
  if (loss.reduction === 'none')
    fail(fn, `reduction must be 'mean', 'sum' or 'sample', got 'none': sums have no pixels`);
  const formula = perPixelFormula(loss);
  return tf.tidy(() => lossOfTable(readTable(fn, table, formula.sums), formula)) as PerPixelResult<R>;
}
