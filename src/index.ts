export { binaryCrossEntropyLoss, type BinaryCrossEntropyLossOptions } from './losses/binaryCrossEntropy.js';
export { comboLoss, type ComboLossOptions, type ComboTerm } from './losses/combo.js';
export { crossEntropyFromOverlap, crossEntropyLoss, type CrossEntropyLossOptions } from './losses/crossEntropy.js';
export { diceFromOverlap, diceLoss, type DiceLossOptions } from './losses/dice.js';
export { iouFromOverlap, iouLoss, type IouLossOptions } from './losses/iou.js';
export { tverskyFromOverlap, tverskyLoss, type TverskyLossOptions } from './losses/tversky.js';
export type {
  ClassOptions,
  CrossEntropyOptions,
  PerPixelOptions,
  PerPixelResult,
  Reduction,
  RegionOptions,
  RegionResult,
} from './losses/options.js';

export { powerSharpen, type PowerSharpenOptions } from './relaxations/powerSharpen.js';
export {
  cosineSchedule,
  exponentialSchedule,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from './relaxations/schedules.js';
export { softLabelsFromMasks, type SoftLabelsFromMasksOptions } from './relaxations/softLabelsFromMasks.js';
export { softLabelsFromVotes, type SoftLabelsFromVotesOptions } from './relaxations/softLabelsFromVotes.js';
export { softOneHot, type SoftOneHotOptions } from './relaxations/softOneHot.js';
export { softThreshold, type SoftThresholdOptions } from './relaxations/softThreshold.js';
export { straightThroughOneHot, type StraightThroughOneHotOptions } from './relaxations/straightThroughOneHot.js';
export {
  straightThroughThreshold,
  type StraightThroughThresholdOptions,
} from './relaxations/straightThroughThreshold.js';

export { checkValues } from './checkValues.js';

export type { KernelKind, SumName } from './kernels/contract.js';
export { kernelsInUse, useKernels, type KernelChoice } from './kernels/select.js';
export { mergeOverlaps } from './overlap/merge.js';
export type { ProblemOptions, Relaxation } from './overlap/options.js';
export { overlap, type OverlapOf, type OverlapOptions, type OverlapTable } from './overlap/overlap.js';

export { enableWasmTraining } from './kernels/wasm/enableWasmTraining.js';
