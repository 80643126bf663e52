export { load, type Engine } from './load.js';
export { type Started } from './candidates.js';
export { type BackendChoice } from './environment.js';
export { installNative, type InstallOptions, type InstallProgress, type InstallResult } from './install.js';
export { diagnose, diagnosisTable, type Diagnosis, type DoctorReport } from './doctor.js';
export { ProgressLine, showOn, type ProgressStream } from './progress.js';
export { BackendError, InstallError, type InstallFailure } from './errors.js';
export { cacheFolder } from './cache.js';
export { visibleGpuDriver } from './gpu.js';
