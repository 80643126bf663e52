import { mkdtemp, readdir, rm, stat, statfs, utimes } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { setVariable } from '../../environment.js';
import { cacheVariable } from '../system/environment.js';
import { InstallError, messageOf } from '../system/errors.js';
import { makeFolder } from '../system/folders.js';
import { isGone, ownName } from '../system/processIdentity.js';

/**
 * The per-user folder that holds TensorFlow's libraries and the compiled bindings for all projects: `SOFTSEG_CACHE`, or
 * `softseg` in the user's cache folder (`XDG_CACHE_HOME`, `~/.cache`; `~/Library/Caches` on macOS). Empty variables
 * count as not set, and so do relative values of `XDG_CACHE_HOME` and `HOME`. Without `HOME` the user's home is taken
 * from the system's list of users.
 *
 *     tensorflow-cpu-2.21.0-linux-x64/              TensorFlow's library; it gets this name only when it is complete
 *     tfjs-node-4.22.0-r3-tensorflow-cpu-.../       the binding compiled against it
 *     softseg-op-<hash>-tensorflow-cpu-.../         softseg's own op, for one kind of processor
 *     wheels/                                       wheels that were verified and not yet unpacked
 *     staging/                                      unfinished folders
 *     trials/                                       a record of each set of files that has run on this machine
 *     lock                                          names the process that is installing
 *
 * @throws an InstallError if `SOFTSEG_CACHE` is relative, or the user has no home and no variable names a folder
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = cachePath(env);
  if (own !== undefined) return resolve(own);
  if (process.platform === 'darwin') return join(home(env), 'Library', 'Caches', 'softseg');
  const local = absolute(env, 'LOCALAPPDATA');
  if (process.platform === 'win32' && local !== undefined) return join(local, 'softseg', 'Cache');
  return join(absolute(env, 'XDG_CACHE_HOME') ?? join(home(env), '.cache'), 'softseg');
}

function cachePath(env: NodeJS.ProcessEnv): string | undefined {
  try {
    return cacheVariable(env);
  } catch (error) {
    throw new InstallError('environment', messageOf(error));
  }
}

function absolute(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = setVariable(env, name);
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

function home(env: NodeJS.ProcessEnv): string {
  // os.homedir() gives HOME even if it is empty.
  const given = process.platform === 'win32' ? undefined : absolute(env, 'HOME');
  if (given !== undefined) return given;
  const listed = process.platform === 'win32' ? homedir : () => userInfo().homedir;
  try {
    const folder = listed();
    if (isAbsolute(folder)) return folder;
  } catch {
    // A user id that is not in the list, as in some containers.
  }
  const user = process.getuid ? `user ${process.getuid()}` : 'the user';
  throw new InstallError(
    'cache',
    `there is no folder for TensorFlow's library: HOME is not set, and ${user} has no home folder in the system's ` +
      'list of users; set SOFTSEG_CACHE (or HOME) to an absolute path',
  );
}

const beatEvery = 2_000; // milliseconds

/** Runs `work` with an empty folder on the cache's own disk, and removes the folder at the end, also after an error. */
export async function withStaging<T>(cache: string, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = join(cache, 'staging');
  await makeFolder(parent);
  const folder = await mkdtemp(join(parent, `${ownName()}-`));
  const beat = setInterval(() => void utimes(folder, new Date(), new Date()).catch(() => {}), beatEvery);
  try {
    return await work(folder);
  } finally {
    clearInterval(beat);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes unfinished folders that killed runs have left. */
export async function removeStaleStaging(cache: string): Promise<void> {
  const parent = join(cache, 'staging');
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const folder = join(parent, name);
    const beat = await stat(folder).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (beat !== undefined && isGone(name, beat)) await rm(folder, { recursive: true, force: true });
  }
}

/** Bytes free for this user on the disk that holds `folder` (or will hold it). */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(folder);
    if (parent === folder) throw error;
    return freeBytes(parent);
  }
}

const slack = 100_000_000;

/** Throws an InstallError if `bytes` more do not fit on the disk. */
export async function demandSpace(cache: string, bytes: number, free: typeof freeBytes): Promise<void> {
  const there = await free(cache);
  if (there >= bytes + slack) return;
  throw new InstallError(
    'disk',
    `not enough disk space in ${cache}: ${sizeOf(bytes + slack)} are needed, ${sizeOf(there)} are free; ` +
      'free some, or set SOFTSEG_CACHE to a folder on another disk',
  );
}

/** A number of bytes in words: `274 MB`. */
export function sizeOf(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
