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

/** A copy of tfjs-core, and who uses it. */
export interface CoreCopy {
  version: string;
  /** Links resolved. */
  folder: string;
  by: string[];
}

/** The copies of tfjs-core that softseg, the program and the packages of tfjs would load; links lead to one copy. */
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

/** A line that says what several copies mean, and what to do; undefined if there is one, or none. */
export function severalCores(copies: CoreCopy[]): string | undefined {
  if (copies.length < 2) return undefined;
  const each = copies.map(({ version, folder, by }) => `${version} in ${folder} (used by ${by.join(', ')})`);
  return (
    `there are ${copies.length} copies of ${core}, and tensors and backends of one are unknown to the others: ` +
    `${each.join('; ')}. Bring all packages of tfjs to one version and run \`npm dedupe\`; ` +
    `\`npm ls ${core}\` shows who asks for which`
  );
}
