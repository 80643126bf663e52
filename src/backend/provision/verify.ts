import { homeOf } from './binding.js';
import { sizeOf } from './cache.js';
import { faultOf, opOf, piecesOf, type Fault } from './inspect.js';
import type { InstallProgress } from './settings.js';
import { findPackage } from '../system/packages.js';

/** The result of checking a piece that is loaded from the cache. */
export interface Verified {
  package: string;
  name: string;
  folder: string;
  /** Undefined if the piece is undamaged. */
  fault?: Fault;
}

/**
 * Compares the pieces that the installed packages load from the cache with their state when they were installed: with
 * `full` every byte, otherwise as `load` does.
 */
export async function inspectInstalled(
  full: boolean,
  onProgress: (progress: InstallProgress) => void = () => {},
): Promise<Verified[]> {
  const verified: Verified[] = [];
  for (const name of ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'] as const) {
    const found = ifReadable(() => findPackage(name));
    const home = found && homeOf(found);
    if (!home) continue;
    const op = opOf(home);
    for (const piece of [...piecesOf(home), ...(op ? [op] : [])]) {
      const onBytes = (done: number, all: number) =>
        onProgress({ step: 'check', label: `checking ${piece.name}`, fraction: done / all, detail: sizeOf(done) });
      verified.push({
        package: piece.of,
        name: piece.name,
        folder: piece.folder,
        fault: await faultOf(piece, { full, onBytes: full ? onBytes : undefined }),
      });
    }
  }
  return verified;
}

/** Undefined for a damaged package, which is reported with the backend that needs it. */
function ifReadable<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
