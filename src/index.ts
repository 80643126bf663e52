export * from './losses/index.js';
export { comboLoss, type ComboLossOptions } from './losses/combo.js';
export type { ComboTerm, OptionsOfTerm, TermLoss, TermOptions } from './losses/descriptions/comboTerms.js';
export { deepSupervisionLoss, type DeepSupervisionLossOptions, type ScaleLoss } from './losses/deepSupervision.js';
export type { ScaleOptions } from './losses/families/labelsAtScale.js';
export { defineLoss, defineRegionLoss } from './losses/descriptions/defineLoss.js';
export type { LossDefinition } from './losses/descriptions/makeLoss.js';
export type { RegionDefinition } from './losses/descriptions/makeRegionLoss.js';
export type { OwnOptions, RegionSums, RegionValue, ResolvedOptions } from './losses/families/regionFormula.js';
export type { Algebra } from './algebra/algebra.js';
export type {
  ClassLoss,
  Described,
  DescribedLoss,
  LossDescription,
  PixelLoss,
} from './losses/descriptions/lossDescription.js';
export { lossFromOverlap } from './losses/lossFromOverlap.js';
export type {
  ChoiceRule,
  FilledOptions,
  FlagRule,
  NumberRule,
  OptionRule,
  OptionRules,
  OptionsOfRules,
  OtherRule,
} from './losses/descriptions/optionRules.js';
export { softSkeleton, type SoftSkeletonOptions } from './morphology/softSkeleton.js';
export type {
  ClassOptions,
  CrossEntropyOptions,
  PerPixelOptions,
  PerPixelResult,
  Reduction,
  RegionOptions,
  RegionResult,
} from './losses/families/options.js';
export type { GeometryOptions } from './losses/families/geometry.js';

export { distanceTransform, type DistanceTransformOptions } from './distance/distanceTransform.js';
export { signedDistance, type SignedDistanceOptions } from './distance/signedDistance.js';
export type { Spacing } from './distance/spacing.js';

export { entmax, type EntmaxOptions } from './relaxations/entmax.js';
export { entmax15, type Entmax15Options } from './relaxations/entmax15.js';
export { gumbelSoftmax, type GumbelSoftmaxOptions } from './relaxations/gumbelSoftmax.js';
export { powerSharpen, type PowerSharpenOptions } from './relaxations/powerSharpen.js';
export { softOneHot, type SoftOneHotOptions } from './relaxations/softOneHot.js';
export { softThreshold, type SoftThresholdOptions } from './relaxations/softThreshold.js';
export { sparsemax, type SparsemaxOptions } from './relaxations/sparsemax.js';
export { straightThroughOneHot, type StraightThroughOneHotOptions } from './relaxations/straightThroughOneHot.js';
export {
  straightThroughThreshold,
  type StraightThroughThresholdOptions,
} from './relaxations/straightThroughThreshold.js';

export {
  annotatorWeightsFromMasks,
  annotatorWeightsFromVotes,
  type AnnotatorWeightsFromMasksOptions,
  type AnnotatorWeightsFromVotesOptions,
} from './annotators/annotatorWeights.js';
export { disagreementEntropy, type DisagreementEntropyOptions } from './annotators/disagreementEntropy.js';
export { softLabelsFromMasks, type SoftLabelsFromMasksOptions } from './annotators/softLabelsFromMasks.js';
export { softLabelsFromVotes, type SoftLabelsFromVotesOptions } from './annotators/softLabelsFromVotes.js';
export { staple, type BinaryStaple, type MultiLabelStaple, type StapleOptions } from './annotators/staple.js';

export { ArgumentError } from './argumentError.js';
export { checkValues, type ValueChecks } from './checkValues.js';

export type { KernelKind, SumName } from './kernels/contract.js';
export { kernelsInUse, useKernels, type KernelChoice } from './kernels/select.js';
export { mergeOverlaps } from './overlap/merge.js';
export type { InputOptions, Relaxation } from './overlap/options.js';
export { overlap, type OverlapOf, type OverlapOptions, type OverlapTable } from './overlap/overlap.js';

export { enableWasmTraining } from './wasmTraining/enableWasmTraining.js';
