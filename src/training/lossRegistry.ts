/** The losses that can be asked for by name, with the names of their options. */
import type { Tensor } from '@tensorflow/tfjs-core';
import {
  BINARY_CROSS_ENTROPY_OPTIONS,
  binaryCrossEntropyLoss,
  resolveBinaryCrossEntropy,
  type BinaryCrossEntropyLossOptions,
} from '../losses/binaryCrossEntropy.js';
import { BOUNDARY_OPTIONS, boundaryLoss, type BoundaryLossOptions } from '../losses/boundary.js';
import { CL_DICE_OPTIONS, clDiceLoss, type ClDiceLossOptions } from '../losses/clDice.js';
import { COMBO_OPTIONS, comboLoss, comboTerms, type ComboLossOptions } from '../losses/combo.js';
import { crossEntropyLoss, resolveCrossEntropy, type CrossEntropyLossOptions } from '../losses/crossEntropy.js';
import { dice, diceLoss, type DiceLossOptions } from '../losses/dice.js';
import { FOCAL_OPTIONS, focalLoss, resolveFocalLoss, type FocalLossOptions } from '../losses/focal.js';
import { generalizedDice, generalizedDiceLoss, type GeneralizedDiceLossOptions } from '../losses/generalizedDice.js';
import { HAUSDORFF_OPTIONS, hausdorffLoss, type HausdorffLossOptions } from '../losses/hausdorff.js';
import { iou, iouLoss, type IouLossOptions } from '../losses/iou.js';
import { logCoshDice, logCoshDiceLoss, type LogCoshDiceLossOptions } from '../losses/logCoshDice.js';
import { LOVASZ_OPTIONS } from '../losses/lovasz.js';
import { lovaszHingeLoss, type LovaszHingeLossOptions } from '../losses/lovaszHinge.js';
import { LOVASZ_SOFTMAX_OPTIONS, lovaszSoftmaxLoss, type LovaszSoftmaxLossOptions } from '../losses/lovaszSoftmax.js';
import { mcc, mccLoss, type MccLossOptions } from '../losses/mcc.js';
import { CROSS_ENTROPY_OPTIONS, REGION_OPTIONS, type RegionOptions } from '../losses/options.js';
import { perPixelTerm, type ResolvedPerPixel } from '../losses/perPixel.js';
import { regionTerm, type RegionFormula } from '../losses/region.js';
import { tversky, tverskyLoss, type TverskyLossOptions } from '../losses/tversky.js';
import {
  UNIFIED_FOCAL_OPTIONS,
  unifiedFocalLoss,
  unifiedFocalTerms,
  type UnifiedFocalLossOptions,
} from '../losses/unifiedFocal.js';
import type { SumTerm } from '../overlap/terms.js';

/** The options of each loss that has a name. */
export interface LossOptions {
  binaryCrossEntropyLoss: BinaryCrossEntropyLossOptions;
  boundaryLoss: BoundaryLossOptions;
  clDiceLoss: ClDiceLossOptions;
  comboLoss: ComboLossOptions;
  crossEntropyLoss: CrossEntropyLossOptions;
  diceLoss: DiceLossOptions;
  focalLoss: FocalLossOptions;
  generalizedDiceLoss: GeneralizedDiceLossOptions;
  hausdorffLoss: HausdorffLossOptions;
  iouLoss: IouLossOptions;
  logCoshDiceLoss: LogCoshDiceLossOptions;
  lovaszHingeLoss: LovaszHingeLossOptions;
  lovaszSoftmaxLoss: LovaszSoftmaxLossOptions;
  mccLoss: MccLossOptions;
  tverskyLoss: TverskyLossOptions;
  unifiedFocalLoss: UnifiedFocalLossOptions;
}

/** A loss of this package that takes labels, predictions and options. */
export type LossName = keyof LossOptions;

/** A loss as this package calls it: labels first. */
export type LossFunction = (labels: Tensor, predictions: Tensor, options?: object) => Tensor;

export interface KnownLoss {
  loss: LossFunction;
  /** The names of its options. */
  options: readonly string[];
  /** The loss as terms on sums, or null where it takes more of the pixels. Inside tf.tidy. */
  terms(labels: Tensor, predictions: Tensor, options: object): SumTerm[] | null;
}

type OptionNames = readonly string[];
type Terms = KnownLoss['terms'];

function region<O extends RegionOptions>(fn: string, loss: unknown, formula: RegionFormula<O>): KnownLoss {
  return {
    loss: loss as LossFunction,
    options: [...REGION_OPTIONS, ...formula.options],
    terms: (labels, predictions, options) => [regionTerm(fn, formula, labels, predictions, options as O)],
  };
}

/** A loss of the values of pixels. */
function perPixel(
  loss: unknown,
  options: OptionNames,
  resolve: (...args: Parameters<Terms>) => ResolvedPerPixel,
): KnownLoss {
  return {
    loss: loss as LossFunction,
    options,
    terms(...args) {
      const { inputs, loss } = resolve(...args);
      const term = perPixelTerm(inputs, loss);
      return term && [term];
    },
  };
}
function other(loss: unknown, options: OptionNames, terms: Terms = () => null): KnownLoss {
  return { loss: loss as LossFunction, options, terms };
}

export const LOSSES: Readonly<Record<LossName, KnownLoss>> = {
  binaryCrossEntropyLoss: perPixel(binaryCrossEntropyLoss, BINARY_CROSS_ENTROPY_OPTIONS, resolveBinaryCrossEntropy),
  boundaryLoss: other(boundaryLoss, BOUNDARY_OPTIONS),
  clDiceLoss: other(clDiceLoss, CL_DICE_OPTIONS),
  comboLoss: other(comboLoss, COMBO_OPTIONS, comboTerms),
  crossEntropyLoss: perPixel(crossEntropyLoss, CROSS_ENTROPY_OPTIONS, resolveCrossEntropy),
  diceLoss: region('diceLoss', diceLoss, dice),
  focalLoss: perPixel(focalLoss, FOCAL_OPTIONS, resolveFocalLoss),
  generalizedDiceLoss: region('generalizedDiceLoss', generalizedDiceLoss, generalizedDice),
  hausdorffLoss: other(hausdorffLoss, HAUSDORFF_OPTIONS),
  iouLoss: region('iouLoss', iouLoss, iou),
  logCoshDiceLoss: region('logCoshDiceLoss', logCoshDiceLoss, logCoshDice),
  lovaszHingeLoss: other(lovaszHingeLoss, LOVASZ_OPTIONS),
  lovaszSoftmaxLoss: other(lovaszSoftmaxLoss, LOVASZ_SOFTMAX_OPTIONS),
  mccLoss: region('mccLoss', mccLoss, mcc),
  tverskyLoss: region('tverskyLoss', tverskyLoss, tversky),
  unifiedFocalLoss: other(unifiedFocalLoss, UNIFIED_FOCAL_OPTIONS, unifiedFocalTerms),
};

export const isLossName = (name: string): name is LossName => Object.hasOwn(LOSSES, name);

/** The name of a loss function of this package. */
export function nameOfLoss(loss: unknown): LossName | undefined {
  return (Object.keys(LOSSES) as LossName[]).find((name) => LOSSES[name].loss === loss);
}
