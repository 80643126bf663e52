export type { LossName, LossOptions } from './lossRegistry.js';
export type { NamedLoss } from './boundLoss.js';
export { namedLoss } from './namedLoss.js';

export { checkTrainable } from './trainable/checkTrainable.js';

export { accumulateGrads, lossOfPieces, minimizePieces, type AccumulateOptions } from './pieces/accumulateGrads.js';
export type { Network } from './pieces/forward.js';
export { microBatches, type MicroBatches, type Piece, type Pieces } from './pieces/pieces.js';
export { tileGrid, type Tile, type TileOptions } from './pieces/tileGrid.js';
export { predictTiles, tiles, type Tiles } from './pieces/tiles.js';
export type { PieceLoss } from './pieces/wholeLoss.js';

export { acceptAnyTargets, type AcceptAnyTargetsOptions } from './targets/acceptAnyTargets.js';
export { packMask } from './targets/packMask.js';
export { packSampleWeights } from './targets/packSampleWeights.js';
export { withMask, type MaskOptions } from './targets/withMask.js';
export { withSampleWeights, type SampleOptions } from './targets/withSampleWeights.js';
export type { LossOfPacked, PackOptions } from './targets/packedLoss.js';

export { anneal, type Annealable, type AnnealOptions } from './callbacks/anneal.js';
export { saveBest, type SaveBest, type SaveBestOptions, type SaveBestInfo } from './callbacks/saveBest.js';
export {
  earlyStopping,
  type EarlyStopping,
  type EarlyStoppingOptions,
  type StoppableModel,
} from './callbacks/earlyStopping.js';
export { learningRateSchedule, type LearningRateOptions } from './callbacks/learningRate.js';
export type { MonitorOptions } from './callbacks/monitor.js';
export type { ScheduledCallback } from './callbacks/scheduled.js';

export {
  cosineSchedule,
  exponentialSchedule,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from '../schedules/schedules.js';
export { warmup, type WarmupOptions } from '../schedules/warmup.js';

export {
  epochBatches,
  type Batch,
  type EpochBatches,
  type EpochBatchesOptions,
  type Samples,
} from './seeds/epochBatches.js';
export { seedEpochs, withSeed, type Seed, type SeededEpochs } from './seeds/random.js';

export { compileSaved, type CompiledSaved, type CompileSavedOptions } from './saving/compileSaved.js';
export type { Json } from './saving/json.js';
export { saveModel, type SaveModelOptions } from './saving/saveModel.js';
export type { CompiledLoss } from './saving/savedFunctions.js';
