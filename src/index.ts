export * from './losses/index.js';
export { comboLoss, type ComboLossOptions } from './losses/combo.js';
export type { ComboTerm, TermLoss, TermOptions } from './losses/descriptions/comboTerms.js';
export { deepSupervisionLoss, type DeepSupervisionLossOptions, type ScaleLoss } from './losses/deepSupervision.js';
export type { ScaleOptions } from './losses/families/labelsAtScale.js';
export { defineLoss, defineRegionLoss } from './losses/descriptions/defineLoss.js';
export type { LossDefinition } from './losses/descriptions/makeLoss.js';
export type { RegionDefinition } from './losses/descriptions/makeRegionLoss.js';
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
  FlagRule,
  NumberRule,
  OptionRule,
  OptionRules,
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

export type { Accumulator, UpdateOptions } from './metrics/accumulator.js';
export type { AccumulatorJson } from './metrics/accumulatorJson.js';
export { asMetric, type Metric } from './metrics/asMetric.js';
export { brierScore, type BrierScoreOptions } from './metrics/brierScore.js';
export type { CalibrationBin } from './metrics/calibration.js';
export { CalibrationError, type CalibrationErrorOptions } from './metrics/calibrationError.js';
export { ConfusionMatrix, type ConfusionMatrixOptions } from './metrics/confusionMatrix.js';
export type { ClassScores, ConfusionResult } from './metrics/confusionScores.js';
export { diceScore, type DiceScoreOptions } from './metrics/diceScore.js';
export {
  evaluateScores,
  type EvaluateScoresOptions,
  type Predictor,
  type ScoredDataset,
  type ScoredTensors,
} from './metrics/evaluateScores.js';
export { expectedCalibrationError, type ExpectedCalibrationErrorOptions } from './metrics/expectedCalibrationError.js';
export { iouScore, type IouScoreOptions } from './metrics/iouScore.js';
export { MeanBrier, type MeanBrierOptions } from './metrics/meanBrier.js';
export { MeanDice } from './metrics/meanDice.js';
export { MeanIou } from './metrics/meanIou.js';
export { MeanPrecision } from './metrics/meanPrecision.js';
export { MeanRecall } from './metrics/meanRecall.js';
export type { MeanScoreOptions } from './metrics/meanScore.js';
export { MeanTversky, type MeanTverskyOptions } from './metrics/meanTversky.js';
export type { AbsentClass, ScoreOptions, ScoreReduction } from './metrics/options.js';
export { pixelAccuracy, type PixelAccuracyOptions } from './metrics/pixelAccuracy.js';
export { precisionScore, type PrecisionScoreOptions } from './metrics/precisionScore.js';
export { recallScore, type RecallScoreOptions } from './metrics/recallScore.js';
export { tverskyScore, type TverskyScoreOptions } from './metrics/tverskyScore.js';
export { validationScores, type ValidationCallback, type ValidationScoresOptions } from './metrics/validationScores.js';
export {
  averageSurfaceDistance,
  type AverageSurfaceDistanceOptions,
} from './metrics/surfaces/averageSurfaceDistance.js';
export { hausdorffDistance, type HausdorffDistanceOptions } from './metrics/surfaces/hausdorffDistance.js';
export { normalizedSurfaceDice, type NormalizedSurfaceDiceOptions } from './metrics/surfaces/normalizedSurfaceDice.js';
export type { SurfaceOptions } from './metrics/surfaces/surfaceMasks.js';

export { entmax, type EntmaxOptions } from './relaxations/entmax.js';
export { entmax15, type Entmax15Options } from './relaxations/entmax15.js';
export { gumbelSoftmax, type GumbelSoftmaxOptions } from './relaxations/gumbelSoftmax.js';
export { powerSharpen, type PowerSharpenOptions } from './relaxations/powerSharpen.js';
export {
  cosineSchedule,
  exponentialSchedule,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from './schedules/schedules.js';
export { softLabelsFromMasks, type SoftLabelsFromMasksOptions } from './annotators/softLabelsFromMasks.js';
export { softLabelsFromVotes, type SoftLabelsFromVotesOptions } from './annotators/softLabelsFromVotes.js';
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
export { staple, type BinaryStaple, type MultiLabelStaple, type StapleOptions } from './annotators/staple.js';

export { checkValues } from './checkValues.js';

export type { KernelKind, SumName } from './kernels/contract.js';
export { kernelsInUse, useKernels, type KernelChoice } from './kernels/select.js';
export { mergeOverlaps } from './overlap/merge.js';
export type { InputOptions, Relaxation } from './overlap/options.js';
export { overlap, type OverlapOf, type OverlapOptions, type OverlapTable } from './overlap/overlap.js';

export { enableWasmTraining } from './wasmTraining/enableWasmTraining.js';

export {
  accumulateGrads,
  lossOfPieces,
  minimizePieces,
  type AccumulateOptions,
} from './training/pieces/accumulateGrads.js';
export type { Network } from './training/pieces/forward.js';
export type { LossName, LossOptions } from './training/lossRegistry.js';
export { microBatches, type MicroBatches, type Piece, type Pieces } from './training/pieces/pieces.js';
export { tileGrid, type Tile, type TileOptions } from './training/pieces/tileGrid.js';
export { predictTiles, tiles, type Tiles } from './training/pieces/tiles.js';
export type { PieceLoss } from './training/pieces/wholeLoss.js';
export type { NamedLoss } from './training/boundLoss.js';
export { namedLoss } from './training/namedLoss.js';

export { acceptAnyTargets, type AcceptAnyTargetsOptions } from './training/targets/acceptAnyTargets.js';
export { packMask } from './training/targets/packMask.js';
export { packSampleWeights } from './training/targets/packSampleWeights.js';
export { withMask, type MaskOptions } from './training/targets/withMask.js';
export { withSampleWeights, type SampleOptions } from './training/targets/withSampleWeights.js';
export type { LossOfPacked, PackOptions } from './training/targets/wrappedLoss.js';

export {
  compileSaved,
  savedState,
  type CompiledSaved,
  type CompileSavedOptions,
} from './training/saving/compileSaved.js';
export {
  epochBatches,
  type Batch,
  type EpochBatches,
  type EpochBatchesOptions,
  type Samples,
} from './training/seeds/epochBatches.js';
export type { Json } from './training/saving/json.js';
export { saveModel, type SaveModelOptions } from './training/saving/saveModel.js';

export { anneal, type Annealable, type AnnealOptions } from './training/callbacks/anneal.js';
export {
  bestCheckpoint,
  type BestCheckpoint,
  type BestCheckpointOptions,
  type CheckpointInfo,
} from './training/callbacks/bestCheckpoint.js';
export {
  earlyStopping,
  type EarlyStopping,
  type EarlyStoppingOptions,
  type StoppableModel,
} from './training/callbacks/earlyStopping.js';
export { learningRateSchedule, type LearningRateOptions } from './training/callbacks/learningRate.js';
export type { MonitorOptions } from './training/callbacks/monitor.js';
export { seedEpochs, withSeed, type Seed, type SeededEpochs } from './training/seeds/random.js';
export type { ScheduledCallback } from './training/callbacks/scheduled.js';
export { warmup, type WarmupOptions } from './schedules/warmup.js';
