export * from '../backend/index.js';
export type { CompiledSaved, CompileSavedOptions } from '../training/saving/compileSaved.js';
export type { Json } from '../training/saving/json.js';
export type { CompiledLoss } from '../training/saving/savedFunctions.js';
export {
  checkpoints,
  latestCheckpoint,
  saveCheckpoint,
  type Checkpoint,
  type CheckpointCallback,
  type CheckpointsOptions,
  type DamagedCheckpoint,
  type SaveCheckpointOptions,
} from './checkpoints.js';
export { modelFiles } from './modelFiles.js';
export { trainingProgress, type TrainingProgress, type TrainingProgressOptions } from './trainingProgress.js';
