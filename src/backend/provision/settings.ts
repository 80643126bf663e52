import type { NativePackage } from './binding.js';
import type { Library } from './pinnedWheels.js';

/** The progress of one step of an installation. */
export interface InstallProgress {
  step: 'fetch' | 'check' | 'unpack' | 'compile' | 'try';
  /** Text for the user, such as `fetching tensorflow-cpu 2.21.0`. */
  label: string;
  /** In [0, 1], or undefined if unknown. */
  fraction?: number;
  /** Text for the user, such as `103 MB of 274 MB`. */
  detail?: string;
}

/** All settings of an installation, resolved once. Internal; tests make their own. */
export interface Settings {
  packageName: NativePackage;
  packageVersion: string;
  packageFolder: string;
  library: Library | undefined;
  cudaLibraries: boolean;
  cache: string;
  /** True if the user has chosen the cache: then a binding in another one is not used. */
  cacheIsChosen?: boolean;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  report: (progress: InstallProgress) => void;
  note: (line: string) => void;
  freeBytes: (folder: string) => Promise<number>;
  /** Milliseconds that tfjs-node's own installer may take. */
  ownInstallerTime: number;
}
