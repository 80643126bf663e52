import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { lstat, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cacheFolder } from './cache.js';
import { makeWithParents } from '../system/folders.js';
import { isGone, ownName } from '../system/processIdentity.js';
import type { FoundPackage } from '../system/packages.js';
import { libraryFor, type Library } from './pinnedWheels.js';

/** The two packages that hold tfjs's native backend; only one of them can be loaded in a process. */
export type NativePackage = '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu';

/** The path where tfjs-node looks for its binding. 8 is the newest Node-API it knows; every Node since 16 has it. */
export const bindingOf = (packageFolder: string): string => join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node');

/** The command that makes and links a package's binding. */
export const installCommand = (name: string): string =>
  `npx softseg install-native${name.endsWith('-gpu') ? ' --cuda' : ''}`;

/** The message for a binding that softseg did not make: why softseg's op does not run with it, and what to do. */
export const foreignLibrary = (binding = "tfjs-node's binding"): string =>
  `the op needs the TensorFlow that softseg installs, and ${binding} uses another one; ` +
  'remove that file and run `npx softseg install-native`';

/** Raised with each change to how addons are compiled and linked, so that older ones in the cache are not used. */
export const recipe = 'r3';

/** The path in the cache of the binding of this version of the package, compiled against this library. */
export function cachedBinding(cache: string, found: Pick<FoundPackage, 'name' | 'version'>, library: Library): string {
  return join(cache, `${basename(found.name)}-${found.version}-${recipe}-${library.key}`, 'tfjs_binding.node');
}

/** The library that a package needs on this system, if softseg knows one to fetch. */
export const libraryOf = (name: string): Library | undefined =>
  libraryFor(process.platform, process.arch, name.endsWith('-gpu'));

/** A binding that softseg has made for a package, with the cache that holds it and the library that it uses. */
export interface Home {
  /** Name of the package. */
  of: string;
  cache: string;
  library: Library;
  /** The real file that the package's link leads to. */
  binding: string;
}

export type Named = Pick<FoundPackage, 'name' | 'version' | 'folder'>;

/** The home of a package's binding, or undefined if this version of softseg did not make the binding. */
export function homeOf(found: Named, library = libraryOf(found.name)): Home | undefined {
  const binding = realBinding(found);
  if (!library || binding === undefined) return undefined;
  const cache = dirname(dirname(binding));
  return binding === cachedBinding(cache, found, library) ? { of: found.name, cache, library, binding } : undefined;
}

/** True if a package's binding was made by another version of softseg, or for another version of the package. */
export function isOutdated(found: Named, library = libraryOf(found.name)): boolean {
  const binding = realBinding(found);
  if (binding === undefined || homeOf(found, library)) return false;
  return /^tfjs-node(-gpu)?-.*-r\d+-/.test(basename(dirname(binding)));
}

function realBinding({ folder }: Named): string | undefined {
  try {
    return realpathSync(bindingOf(folder));
  } catch {
    return undefined;
  }
}

/** Links the binding from the cache, because `npm ci` wipes the link. Returns true if a binding is in place now. */
export async function linkFromCache(found: FoundPackage): Promise<boolean> {
  const binding = bindingOf(found.folder);
  const isThere = existsSync(binding);
  const library = libraryOf(found.name);
  if (isThere && !isOutdated(found)) return true;
  if (!library) return isThere;
  const cache = cacheFolder();
  const cached = cachedBinding(cache, found, library);
  if (!existsSync(cached) || !library.files.every((file) => existsSync(join(cache, library.key, file)))) return isThere;
  await linkBinding(cached, binding);
  return true;
}

const linking = '.softseg-link-';

/** Makes `binding` a link to `cached` in one step, so that the link is never missing meanwhile. */
export async function linkBinding(cached: string, binding: string): Promise<void> {
  // If the link is right already, nothing is written: the disk may be read-only by now (an image's).
  if ((await readlink(binding).catch(() => undefined)) === cached) return;
  const folder = dirname(binding);
  await makeWithParents(folder);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(linking)) continue;
    const left = join(folder, name);
    const made = await lstat(left).catch(() => undefined);
    if (made && isGone(name.slice(linking.length), made.mtimeMs)) await rm(left, { force: true });
  }
  // A binding that the user compiled is kept under another name, even if it does not run.
  const there = await lstat(binding).catch(() => undefined);
  if (there?.isFile()) await rename(binding, `${binding}.before-softseg`);
  const fresh = join(folder, `${linking}${ownName()}-${randomUUID()}`);
  await symlink(cached, fresh);
  await rename(fresh, binding);
}
