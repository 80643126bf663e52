import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOptionNames, fail, show } from '../checks.js';
import type { SumName } from '../kernels/contract.js';
import { readTable, tableClasses } from '../overlap/checkOverlapTable.js';
import { defaultActivation, isPlainEntropy } from '../overlap/inputs.js';
import type { InputOptions } from '../overlap/options.js';
import type { OverlapOf } from '../overlap/overlap.js';
import { addUp, lossOfTable } from '../overlap/lossOfSums.js';
import type { SumTerm } from '../overlap/sumsFormula.js';
import {
  descriptionOf,
  type Described,
  type PassDescription,
  type PredictionSpec,
} from './descriptions/lossDescription.js';
import { withActivation } from './descriptions/makeLoss.js';
import type { Reduction, RegionResult } from './families/options.js';

/** The options that were applied when the sums were computed. */
const ABOUT_PIXELS = ['sharpness', 'axis', 'mask', 'ignoreLabel'];

/**
 * Computes a loss from the sums of `overlap` or `mergeOverlaps` instead of labels and predictions:
 * `lossFromOverlap(diceLoss, table)` is `diceLoss` of all pixels that went into the table. It takes the region losses
 * (those on sums, such as Dice and IoU), losses of `defineRegionLoss`, `crossEntropyLoss`, `binaryCrossEntropyLoss`,
 * and `comboLoss` of these.
 *
 * The table holds the plain cross-entropy, so `labelSmoothing`, `subtractEntropy`, `posWeight` and `hardest` are
 * refused, and so is reduction `'none'` of a cross-entropy. Options about pixels (`sharpness`, `axis`, `mask`,
 * `ignoreLabel`) belong to `overlap`. Pass the `activation` that `overlap` was called with, if it was not the default.
 *
 * @param loss a loss that depends on sums only
 * @param table the sums that it needs, `[N, C]` each, and `valid` `[N]`
 * @returns the loss
 * @throws if the loss needs the pixels themselves, the table lacks a sum, or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[0.93, 0.07], [0, 1]]]); // shape [1, 2, 2]: one sample, two pixels, two classes
 * const logits = tf.tensor([[[2, -1], [0, 3]]]);
 * const table = overlap(labels, logits);
 * lossFromOverlap(diceLoss, table, { squared: true }); // = diceLoss(labels, logits, { squared: true })
 * lossFromOverlap(comboLoss, table); // = comboLoss(labels, logits)
 * lossFromOverlap(focalLoss, table); // throws: focalLoss
 * ```
 */
export function lossFromOverlap<O extends object, R extends Reduction = 'mean'>(
  loss: Described<O> & ((labels: Tensor, predictions: Tensor, options?: never) => Tensor),
  table: Partial<OverlapOf<SumName>>,
  options: Omit<O, 'sharpness' | 'axis' | 'mask' | 'ignoreLabel' | 'reduction'> & { reduction?: R } = {} as O,
): RegionResult<R> {
  return inFunction('lossFromOverlap', () => {
    const description = descriptionOf(loss);
    if (!description) fail(`loss must be a loss of softseg, or one made by defineRegionLoss, got ${show(loss)}`);
    const { name } = description;
    if (!description.resolve) fail(`${name} needs the pixels themselves, not only sums`);
    const known = Object.keys(description.options).filter((option) => !ABOUT_PIXELS.includes(option));
    checkOptionNames(options, known);
    const own = withActivation(description as PassDescription<InputOptions>, options as InputOptions);
    const reading = readingOf(tableClasses(table), own);
    const { terms, others } = description.resolve(reading, own);
    if (others.length > 0 && options.reduction === 'none') {
      fail(`reduction must be 'mean', 'sum' or 'sample', got 'none': the sums have no values of pixels`);
    }
    if (others.length > 0 || !terms.every((term) => isOfPlainSums(term, reading))) {
      fail(`${name} needs the pixels themselves with these options, not only sums, got ${show(options)}`);
    }
    return tf.tidy(() => {
      const values = terms.map(({ formula, weight }) => {
        const value = lossOfTable(readTable(table, formula.sums), formula);
        return weight === 1 ? value : tf.mul<Tensor>(value, weight);
      });
      return addUp(values);
    }) as RegionResult<R>;
  });
}

function readingOf(classes: number, { activation = defaultActivation(classes) }: InputOptions): PredictionSpec {
  return { classes, activation: typeof activation === 'function' ? 'none' : activation };
}

const isOfPlainSums = ({ entropy }: SumTerm, { activation, classes }: PredictionSpec): boolean =>
  !entropy || isPlainEntropy(entropy, activation, classes);
