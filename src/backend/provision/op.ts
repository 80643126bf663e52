import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { homeOf, recipe, type NativePackage } from './binding.js';
import { opSources } from '../system/paths.js';
import { findPackage } from '../system/packages.js';
import type { Library } from './pinnedWheels.js';

// softseg's own op for TensorFlow is native/*.cc, compiled for the machine it runs on. Its path in the cache contains a
// hash of its sources, its flags and the processor's features, so another source gives another op.

/**
 * The compiler's flags. -ffast-math must not be among them, because it removes the rounding step in exp. Without
 * floating-point traps and errno, which nothing reads, loops with divisions and conditions become vector loops.
 */
export const opFlags = [
  '-O3',
  '-std=c++17',
  '-fPIC',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-pthread',
  '-DNAPI_VERSION=8',
];
export const forThisProcessor = '-march=native';

/** The C++ files that are compiled, and those that they include. */
export const opFiles = (): string[] => (existsSync(opSources) ? readdirSync(opSources).sort() : []);

/** The path in the cache of the op made of the present sources, for a processor like this one and this library. */
export function cachedOp(cache: string, library: Pick<Library, 'key'>, features = processor()): string {
  const hash = createHash('sha256').update(JSON.stringify([recipe, opFlags, forThisProcessor, features]));
  for (const file of opFiles()) hash.update(`\n${file}\n`).update(readFileSync(join(opSources, file)));
  return join(cache, `softseg-op-${hash.digest('hex').slice(0, 12)}-${library.key}`, 'softseg_op.node');
}

/**
 * The features of the processor, which tell its instructions. They matter because different machines may share a cache.
 */
function processor(): string {
  try {
    const features = /^(?:flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
    if (features) return features;
  } catch {
    // not Linux
  }
  return cpus()[0]?.model ?? '';
}

/** The op for an installed package's binding; undefined if softseg did not make the binding, or has no op for it. */
export function installedOp(name: NativePackage): string | undefined {
  const found = findPackage(name);
  const home = found && homeOf(found);
  const op = home && cachedOp(home.cache, home.library);
  return op && existsSync(op) ? op : undefined;
}
