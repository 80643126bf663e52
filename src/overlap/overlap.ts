import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOneOf, checkOptionNames, fail, show } from '../checks.js';
import { SUM_NAMES, sumSet, type PassSum, type SumName } from '../kernels/contract.js';
import { currentKernels } from '../kernels/select.js';
import { unstackSums } from '../ops/unstackSums.js';
import { INPUT_OPTIONS, type InputOptions } from './options.js';
import { passAttributes, plainEntropy, resolveInputs, type LossInputs } from './inputs.js';

/** The sums of `overlap`: `[N, C]` each, and `valid` `[N]`. */
export type OverlapTable = Record<SumName, Tensor2D> & { valid: Tensor1D };

/** A table that has the sums S. */
export type OverlapOf<S extends SumName> = Pick<OverlapTable, S | 'valid'>;

export interface OverlapOptions<S extends SumName = SumName> extends InputOptions {
  /** The names of the sums to compute; fewer take less time. Default all. */
  sums?: readonly S[];
}

/**
 * The sums over pixels from which region losses such as IoU and Dice are computed, per sample and class, with pixel
 * weights w, probabilities p and labels t. They are differentiable, so a loss of your own takes a few lines.
 *
 * | sum | formula |
 * | --- | --- |
 * | `intersection` | Σ w p t |
 * | `predicted`, `labelled` | Σ w p, Σ w t |
 * | `difference` | Σ w abs(p - t) |
 * | `minimum` | Σ w min(p, t) |
 * | `predictedSquared`, `labelledSquared` | Σ w p², Σ w t² |
 * | `crossEntropy` | softmax: -Σ w t log p; sigmoid: -Σ w (t log p + (1 - t) log(1 - p)) |
 * | `valid` | Σ w |
 *
 * Sums of tiles, micro-batches or workers add up: see `mergeOverlaps`.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns tensors `[N, C]`, and `valid` `[N]`
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0.93, 0.07], [0, 1]]]); // shape [1, 2, 2]: one sample, two pixels, two classes
 * const logits = tf.tensor([[[2, -1], [0, 3]]]);
 * const { intersection, predicted, labelled } = overlap(labels, logits);
 * // The ratio sum(p·t) / sum(p + t) is half the Dice coefficient in its product form:
 * const halfDice = intersection.div(predicted.add(labelled)); // shape [1, 2]
 * ```
 */
export function overlap<S extends SumName = SumName>(
  labels: Tensor,
  predictions: Tensor,
  options: OverlapOptions<S> = {},
): OverlapOf<S> {
  return inFunction('overlap', () => {
    checkOptionNames(options, [...INPUT_OPTIONS, 'sums']);
    const names = (options.sums ?? SUM_NAMES) as readonly S[];
    if (!Array.isArray(names)) fail(`sums must be a list of names, got ${show(names)}`);
    for (const name of names) checkOneOf('sums', name, SUM_NAMES);
    return tf.tidy(() => {
      return overlapTable(resolveInputs(labels, predictions, options), names);
    });
  });
}

/** The table of the named sums. Call it inside tf.tidy. */
function overlapTable<S extends SumName>(inputs: LossInputs, names: readonly S[]): OverlapOf<S> {
  const { weights, layout } = inputs;
  const { samples, pixels } = layout;
  const wanted = sumSet<PassSum>(weights ? [...names, 'valid'] : names);
  const sums =
    wanted.length === 0
      ? []
      : unstackSums(currentKernels().sums(inputs, passAttributes(inputs, plainEntropy(inputs)), wanted));
  const rows = Object.fromEntries(sums.map((sum, i) => [wanted[i], sum])) as Partial<Record<PassSum, Tensor2D>>;
  const { valid, ...table } = rows;
  const perSample = valid ? tf.squeeze(tf.slice2d(valid, [0, 0], [samples, 1]), [1]) : tf.fill([samples], pixels);
  return { ...table, valid: perSample } as unknown as OverlapOf<S>;
}
