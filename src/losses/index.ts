// Every loss that describes itself, except comboLoss. comboLoss and namedLoss find losses here by their names.
export { iouLoss, type IouLossOptions } from './iou.js';
export { diceLoss, type DiceLossOptions } from './dice.js';
export { tverskyLoss, type TverskyLossOptions } from './tversky.js';
export { generalizedDiceLoss, type GeneralizedDiceLossOptions } from './generalizedDice.js';
export { logCoshDiceLoss, type LogCoshDiceLossOptions } from './logCoshDice.js';
export { mccLoss, type MccLossOptions } from './mcc.js';
export { crossEntropyLoss, type CrossEntropyLossOptions } from './crossEntropy.js';
export { binaryCrossEntropyLoss, type BinaryCrossEntropyLossOptions } from './binaryCrossEntropy.js';
export { focalLoss } from './focal.js';
export type { FocalLossOptions } from './families/focalTerm.js';
export { unifiedFocalLoss, type UnifiedFocalLoss, type UnifiedFocalLossOptions } from './unifiedFocal.js';
export { lovaszHingeLoss, type LovaszHingeLossOptions } from './lovaszHinge.js';
export { lovaszSoftmaxLoss, type LovaszSoftmaxLossOptions } from './lovaszSoftmax.js';
export { boundaryLoss, type BoundaryLossOptions } from './boundary.js';
export { hausdorffLoss, type HausdorffLossOptions } from './hausdorff.js';
export { clDiceLoss, type ClDiceLossOptions } from './clDice.js';
