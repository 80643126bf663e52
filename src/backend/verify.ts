import { homeOf } from './binding.js';
import { sizeOf } from './cache.js';
import { faultOf, opOf, piecesOf, type Fault } from './inspect.js';
import type { InstallProgress } from './install.js';
import { findPackage } from './packages.js';

/** What is loaded from the cache, and whether it is as it was installed. */
export interface Verified {
  package: string;
  name: string;
  folder: string;
  /** Undefined if it is whole. */
  fault?: Fault;
}

/** Compares every byte of what the installed packages load from the cache with what was installed. */
export async function verify(onProgress: (progress: InstallProgress) => void = () => {}): Promise<Verified[]> {
  const verified: Verified[] = [];
  for (const name of ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'] as const) {
    const found = findPackage(name);
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
        fault: await faultOf(piece, { full: true, onBytes }),
      });
    }
  }
  return verified;
}
