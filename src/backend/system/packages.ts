import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BackendError, messageOf } from './errors.js';
import { inBackend } from './paths.js';

export interface FoundPackage {
  name: string;
  version: string;
  /** The package's folder, with links resolved. */
  folder: string;
  /** Loads the package's main module. */
  load(): unknown;
}

// The files from which packages are looked up: first softseg's own, so that it loads the same copies as its modules do;
// then one in the working directory, for a softseg outside the project (npx, a linked folder, a global install).
export const bases = (): string[] => [inBackend('packages.js'), join(process.cwd(), 'noname.js')];

/**
 * Finds a package that the user may have installed, without loading it.
 *
 * @throws a BackendError if its package.json is damaged
 */
export function findPackage(name: string): FoundPackage | undefined {
  for (const base of bases()) {
    const found = findFrom(base, name);
    if (found) return found;
  }
  return undefined;
}

/** The package that `require(name)` in `module` would load; undefined if there is none. */
export function findFrom(module: string, name: string): FoundPackage | undefined {
  const require = createRequire(module);
  const manifest = manifestOf(require, name);
  if (manifest === undefined) return undefined;
  const { version } = readManifest(name, manifest);
  return { name, version, folder: realpathSync(dirname(manifest)), load: (): unknown => require(name) };
}

function manifestOf(require: NodeJS.Require, name: string): string | undefined {
  const file = `${name}/package.json`;
  try {
    return require.resolve(file);
  } catch {
    // Node reports a damaged package.json as if the package were missing, so the file is looked for here.
    return require.resolve
      .paths(name)
      ?.map((folder) => join(folder, file))
      .find((path) => existsSync(path));
  }
}

export interface Manifest {
  version: string;
  dependencies: string[];
}

/** Reads the fields of a package.json that are used here. */
export function readManifest(name: string, path: string): Manifest {
  let manifest: Record<string, unknown> | null;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown> | null;
  } catch (error) {
    throw damaged(name, `${path}: ${messageOf(error)}`);
  }
  const version = manifest?.['version'];
  if (manifest === null || typeof version !== 'string') throw damaged(name, `${path} has no version`);
  const kinds = [manifest['dependencies'], manifest['peerDependencies']];
  return { version, dependencies: kinds.flatMap((kind) => Object.keys(kind ?? {})) };
}

const damaged = (name: string, why: string): BackendError =>
  new BackendError(`${name} is damaged (${why.replace(/\.$/, '')}); remove its folder and run \`npm install\``);
