import { constants } from 'node:fs';
import { access, lstat, mkdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, parse, relative, resolve, sep } from 'node:path';
import { InstallError, messageOf, type InstallFailure } from './errors.js';

/** The reason why a folder cannot be used. */
export interface FolderFault {
  /**
   * `gone`: it does not exist; `wrong`: it is not a folder; `readOnly`: its disk is read-only; `denied`: rights are
   * missing.
   */
  kind: 'gone' | 'wrong' | 'readOnly' | 'denied';
  /** A clause that names the path, such as `/cache/staging is a file, and has to be a folder`. */
  what: string;
}

const user = (): string => (process.getuid ? `user ${process.getuid()}` : 'this user');

export const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

/**
 * Finds the reason why a folder cannot be read or written to or, if it does not exist, why it cannot be made; undefined
 * if there is none. Node's own errors are misleading: mkdir on a read-only disk reports ENOENT.
 */
export async function folderFault(path: string, mode: 'read' | 'write' = 'write'): Promise<FolderFault | undefined> {
  const { root } = parse(resolve(path));
  const parts = relative(root, resolve(path)).split(sep).filter(Boolean);
  let known = root;
  for (const part of parts) {
    const next = join(known, part);
    const found = await lstat(next).catch(errorCode);
    if (found === 'ENOENT') return mode === 'read' ? gone(next) : rightsFault(known, mode);
    if (typeof found !== 'object') return { kind: 'denied', what: `${user()} may not read ${known} (${found})` };
    const fault = await kindFault(next, found.isSymbolicLink());
    if (fault) return fault;
    known = next;
  }
  return rightsFault(known, mode);
}

const gone = (path: string): FolderFault => ({ kind: 'gone', what: `${path} is not there` });

/** The fault of a path that is neither a folder nor a link to one. */
async function kindFault(path: string, isLink: boolean): Promise<FolderFault | undefined> {
  const found = await stat(path).catch(errorCode);
  if (typeof found === 'object') {
    return found.isDirectory()
      ? undefined
      : { kind: 'wrong', what: `${path} is ${kindOf(found)}, and has to be a folder` };
  }
  const link = isLink ? `${path} is a link to ${await readlink(path).catch(() => '?')}, which` : path;
  if (found === 'ENOENT') return { kind: 'wrong', what: `${link} is not there` };
  if (found === 'ELOOP') return { kind: 'wrong', what: `${link} leads in a circle` };
  return { kind: 'denied', what: `${link} may not be read by ${user()} (${found})` };
}

async function rightsFault(folder: string, mode: 'read' | 'write'): Promise<FolderFault | undefined> {
  const rights = mode === 'write' ? constants.W_OK | constants.X_OK : constants.R_OK | constants.X_OK;
  const code = await access(folder, rights).then(() => undefined, errorCode);
  if (code === undefined) return undefined;
  if (code === 'EROFS') return readOnlyDisk(folder);
  return { kind: 'denied', what: `${user()} may not ${mode === 'write' ? 'write to' : 'read'} ${folder}` };
}

interface Kinds {
  isDirectory(): boolean;
  isFile(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

/** The kind of a file in words: `a folder`, `a file`, ... */
export function kindOf(found: Kinds): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFile()) return 'a file';
  if (found.isSymbolicLink()) return 'a link';
  return found.isFIFO() ? 'a pipe' : found.isSocket() ? 'a socket' : 'a device';
}

export const readOnlyDisk = (path: string): FolderFault => ({
  kind: 'readOnly',
  what: `${path} is on a read-only disk`,
});

/**
 * Makes a folder of the cache and the missing folders above it, without write rights for other users. Throws an
 * InstallError that says why, if that fails.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeWithParents(path, 0o755);
  } catch (error) {
    if (['ENOSPC', 'EDQUOT', 'EIO'].includes(errorCode(error) ?? '')) throw error;
    const unknown: FolderFault =
      errorCode(error) === 'EROFS'
        ? readOnlyDisk(path)
        : { kind: 'denied', what: `${path} cannot be made (${messageOf(error)})` };
    const fault = (await folderFault(path)) ?? unknown;
    throw faultError(fault, cacheRemedy(fault));
  }
}

/**
 * Makes a folder and the missing folders above it. Node's own recursive mkdir never ends where the file system refuses
 * names with ENOENT, as /proc does, and it reports ENOENT for other failures too.
 */
export async function makeWithParents(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (await isFolder(path)) return;
    const parent = dirname(path);
    if (errorCode(error) !== 'ENOENT' || parent === path || (await isFolder(parent))) throw error;
    await makeWithParents(parent, mode);
    await mkdir(path, { mode }).catch(async (second) => {
      if (!(await isFolder(path))) throw second;
    });
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

export const faultError = ({ kind, what }: FolderFault, remedy: string): InstallError => {
  const code: InstallFailure = kind === 'readOnly' || kind === 'denied' ? 'permission' : 'cache';
  return new InstallError(code, `${what}; ${remedy}`);
};

/** The remedy for a fault of the cache or of a folder in it. */
export const cacheRemedy = ({ kind }: FolderFault): string =>
  ({
    gone: 'make it, or set SOFTSEG_CACHE to another folder',
    wrong: 'remove it, or set SOFTSEG_CACHE to another folder',
    readOnly:
      'run `npx softseg install-native` where it can be written (for an image: when that is built), or set ' +
      'SOFTSEG_CACHE to a folder that can be',
    denied: 'set SOFTSEG_CACHE to a folder of your own',
  })[kind];
