import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beside } from './here.js';

export interface FoundPackage {
  name: string;
  version: string;
  /** The package's folder, links resolved. */
  folder: string;
  /** Loads the package's main module. */
  load(): unknown;
}

// softseg's own place first, so that its modules and the user's are the same copies; then the project it is run in,
// for a softseg that lies elsewhere (npx, a linked folder, a global install).
const bases = (): string[] => [beside('packages.js'), join(process.cwd(), 'noname.js')];

/** Finds an optional package of the user's, without loading it. */
export function findPackage(name: string): FoundPackage | undefined {
  for (const base of bases()) {
    const require = createRequire(base);
    let manifest: string;
    try {
      manifest = require.resolve(`${name}/package.json`);
    } catch {
      continue;
    }
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    return { name, version, folder: realpathSync(dirname(manifest)), load: (): unknown => require(name) };
  }
  return undefined;
}
