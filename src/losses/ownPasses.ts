/** The losses that comboLoss adds up though they share nothing with the pass of the others. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { BOUNDARY_OPTIONS, boundaryLoss, type BoundaryLossOptions } from './boundary.js';
import { CL_DICE_OPTIONS, clDiceLoss, type ClDiceLossOptions } from './clDice.js';
import { HAUSDORFF_OPTIONS, hausdorffLoss, type HausdorffLossOptions } from './hausdorff.js';
import { LOVASZ_OPTIONS } from './lovasz.js';
import { lovaszHingeLoss } from './lovaszHinge.js';
import { LOVASZ_SOFTMAX_OPTIONS, lovaszSoftmaxLoss } from './lovaszSoftmax.js';
import { UNIFIED_FOCAL_OPTIONS, unifiedFocalLoss, type UnifiedFocalLossOptions } from './unifiedFocal.js';

export type OwnPassTerm = 'unifiedFocal' | 'lovaszHinge' | 'lovaszSoftmax' | 'boundary' | 'hausdorff' | 'clDice';

/** The options that only these losses know. */
export interface OwnPassOptions
  extends
    Pick<UnifiedFocalLossOptions, 'lambda' | 'delta'>,
    Pick<BoundaryLossOptions, 'distances'>,
    Pick<HausdorffLossOptions, 'spacing'>,
    Pick<ClDiceLossOptions, 'iterations'> {}

interface OwnPass {
  loss: (labels: Tensor, predictions: Tensor, options: object) => Tensor;
  options: readonly string[];
}

export const OWN_PASSES: Record<OwnPassTerm, OwnPass> = {
  unifiedFocal: { loss: unifiedFocalLoss, options: UNIFIED_FOCAL_OPTIONS },
  lovaszHinge: { loss: lovaszHingeLoss, options: LOVASZ_OPTIONS },
  lovaszSoftmax: { loss: lovaszSoftmaxLoss, options: LOVASZ_SOFTMAX_OPTIONS },
  boundary: { loss: boundaryLoss, options: BOUNDARY_OPTIONS },
  hausdorff: { loss: hausdorffLoss, options: HAUSDORFF_OPTIONS },
  clDice: { loss: clDiceLoss, options: CL_DICE_OPTIONS },
};

/** The value of one of them with those of `options` that it knows. */
export function ownPassLoss(name: OwnPassTerm, labels: Tensor, predictions: Tensor, options: object): Tensor {
  const { loss, options: known } = OWN_PASSES[name];
  const given = Object.entries(options).filter(([option, value]) => known.includes(option) && value !== undefined);
  const own = Object.fromEntries(given) as OwnPassOptions;
  // The maps have a spacing of their own.
  if (own.distances) delete own.spacing;
  return loss(labels, predictions, own);
}
