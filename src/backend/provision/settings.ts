import type { NativePackage } from './binding.js';
import type { Library } from './pinnedWheels.js';

/** One step of an installation on its way. */
export interface InstallProgress {
  step: 'fetch' | 'check' | 'unpack' | 'compile' | 'try';
  /** For people: `fetching tensorflow-cpu 2.21.0`. */
  label: string;
  /** In [0, 1]; undefined where nobody knows. */
  fraction?: number;
  /** For people: `103 MB of 274 MB`. */
  detail?: string;
}

/** Everything an installation goes by, resolved once. Internal: tests make their own. */
export interface Settings {
  packageName: NativePackage;
  packageVersion: string;
  packageFolder: string;
  library: Library | undefined;
  cudaLibraries: boolean;
  cache: string;
  /** Whether the user has named it: then what is elsewhere does not do. */
  cacheIsChosen?: boolean;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  report: (progress: InstallProgress) => void;
  note: (line: string) => void;
  freeBytes: (folder: string) => Promise<number>;
  /** Milliseconds that tfjs-node's own installer may take. */
  ownInstallerTime: number;
}
