export * from '../backend/index.js';
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
