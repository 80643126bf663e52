export type { Accumulator, UpdateOptions } from './accumulator.js';
export type { AccumulatorJson, OptionValue } from './accumulatorJson.js';
export { asMetric, type Metric } from './asMetric.js';
export { brierScore, type BrierScoreOptions } from './brierScore.js';
export type { CalibrationBin } from './calibration.js';
export { CalibrationError, type CalibrationErrorOptions } from './calibrationError.js';
export { ConfusionMatrix, type ConfusionMatrixOptions } from './confusionMatrix.js';
export type { ClassScores, ConfusionResult } from './confusionScores.js';
export { diceScore, type DiceScoreOptions } from './diceScore.js';
export {
  evaluateScores,
  type Accumulators,
  type EvaluateScoresOptions,
  type Predictor,
  type ScoredDataset,
  type ScoredTensors,
} from './evaluateScores.js';
export { expectedCalibrationError, type ExpectedCalibrationErrorOptions } from './expectedCalibrationError.js';
export { iouScore, type IouScoreOptions } from './iouScore.js';
export { MeanBrier, type MeanBrierOptions } from './meanBrier.js';
export { MeanDice } from './meanDice.js';
export { MeanIou } from './meanIou.js';
export { MeanPrecision } from './meanPrecision.js';
export { MeanRecall } from './meanRecall.js';
export type { MeanScoreOptions } from './meanScore.js';
export { MeanTversky, type MeanTverskyOptions } from './meanTversky.js';
export type { AbsentClass, ScoreOptions, ScoreReduction } from './options.js';
export { pixelAccuracy, type PixelAccuracyOptions } from './pixelAccuracy.js';
export { precisionScore, type PrecisionScoreOptions } from './precisionScore.js';
export { recallScore, type RecallScoreOptions } from './recallScore.js';
export type { ScoreResult } from './regionScore.js';
export { tverskyScore, type TverskyScoreOptions } from './tverskyScore.js';
export { validationScores, type ValidationCallback, type ValidationScoresOptions } from './validationScores.js';
export { averageSurfaceDistance, type AverageSurfaceDistanceOptions } from './surfaces/averageSurfaceDistance.js';
export { hausdorffDistance, type HausdorffDistanceOptions } from './surfaces/hausdorffDistance.js';
export { normalizedSurfaceDice, type NormalizedSurfaceDiceOptions } from './surfaces/normalizedSurfaceDice.js';
export type { SurfaceOptions } from './surfaces/surfaceMasks.js';
