import { join } from 'node:path';
import { bases, findFrom, findPackage, readManifest, type FoundPackage } from './system/packages.js';

const core = '@tensorflow/tfjs-core';

/** The packages of tfjs that a program may import itself. */
const imported = [
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-node',
  '@tensorflow/tfjs-node-gpu',
  '@tensorflow/tfjs-layers',
  '@tensorflow/tfjs-converter',
  '@tensorflow/tfjs-data',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs-backend-webgl',
  '@tensorflow/tfjs-backend-webgpu',
];

/** A copy of tfjs-core, and the packages that use it. */
export interface CoreCopy {
  version: string;
  /** The folder of the copy, with links resolved. */
  folder: string;
  /** The packages that load this copy; `softseg` and `the program` stand for themselves. */
  by: string[];
}

/** The copies of tfjs-core that softseg, the program and the packages of tfjs would load; links are resolved. */
export function coreCopies(): CoreCopy[] {
  const copies = new Map<string, CoreCopy>();
  const note = (by: string, found: FoundPackage | undefined) => {
    if (!found) return;
    const copy = copies.get(found.folder) ?? { version: found.version, folder: found.folder, by: [] };
    copies.set(found.folder, copy);
    if (!copy.by.includes(by)) copy.by.push(by);
  };
  const seen = new Set<string>();
  const follow = ({ name, folder }: FoundPackage) => {
    if (seen.has(folder)) return;
    seen.add(folder);
    const manifest = join(folder, 'package.json');
    for (const needed of readManifest(name, manifest).dependencies) {
      if (!needed.startsWith('@tensorflow/')) continue;
      const found = findFrom(manifest, needed);
      if (needed === core) note(name, found);
      else if (found) follow(found);
    }
  };
  note('softseg', findPackage(core));
  note('the program', findFrom(bases().at(-1)!, core));
  for (const name of imported) {
    const found = findPackage(name);
    if (found) follow(found);
  }
  return [...copies.values()];
}

/** The problem with several copies of tfjs-core and how to solve it, in one line; undefined if there is at most one. */
export function severalCores(copies: CoreCopy[]): string | undefined {
  if (copies.length < 2) return undefined;
  const each = copies.map(({ version, folder, by }) => `${version} in ${folder} (used by ${by.join(', ')})`);
  return (
    `there are ${copies.length} copies of ${core}, and each knows only its own tensors and backends: ` +
    `${each.join('; ')}. Install all packages of tfjs at one version and run \`npm dedupe\`; ` +
    `\`npm ls ${core}\` shows which packages depend on which copy`
  );
}
