import { constants } from 'node:fs';
import { access, lstat, mkdir, readlink, stat } from 'node:fs/promises';
import { dirname, join, parse, relative, resolve, sep } from 'node:path';
import { InstallError, messageOf, type InstallFailure } from './errors.js';

/** Why a folder cannot be used as one: it has no place, something else is there, or the rights are missing. */
export interface FolderFault {
  /** It is not there; something else is; the disk is read-only; the user lacks the rights. */
  kind: 'gone' | 'wrong' | 'readOnly' | 'denied';
  /** A clause that names the path: `/cache/staging is a file, and has to be a folder`. */
  what: string;
}

const user = (): string => (process.getuid ? `user ${process.getuid()}` : 'this user');

export const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

/**
 * Looks for what is wrong with a folder or, if it is not there yet, with making it; undefined if nothing is. Node's own
 * errors do not say: mkdir on a read-only disk reports ENOENT.
 */
export async function folderFault(path: string, mode: 'read' | 'write' = 'write'): Promise<FolderFault | undefined> {
  const { root } = parse(resolve(path));
  const parts = relative(root, resolve(path)).split(sep).filter(Boolean);
  let known = root;
  for (const part of parts) {
    const next = join(known, part);
    const found = await lstat(next).catch(errorCode);
    if (found === 'ENOENT') return mode === 'read' ? gone(next) : rightsFault(known, mode);
    if (typeof found !== 'object') return { kind: 'denied', what: `${user()} may not look into ${known} (${found})` };
    const fault = await kindFault(next, found.isSymbolicLink());
    if (fault) return fault;
    known = next;
  }
  return rightsFault(known, mode);
}

const gone = (path: string): FolderFault => ({ kind: 'gone', what: `${path} is not there` });

/** Undefined for a folder, and for a link that leads to one. */
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
  return { kind: 'denied', what: `${link} may not be looked at by ${user()} (${found})` };
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

/** `a folder`, `a file`, ... */
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
 * Makes a folder of the cache and those above it, to which nobody else may write whatever the umask is, or throws an
 * InstallError that says what stands in the way.
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
 * Makes a folder and those above it. Node's own recursive mkdir never ends where the file system refuses names with
 * ENOENT, as /proc does, and it reports ENOENT whatever the reason is.
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

/** The cure for a fault of the cache or of a folder in it. */
export const cacheRemedy = ({ kind }: FolderFault): string =>
  ({
    gone: 'make it, or set SOFTSEG_CACHE to another folder',
    wrong: 'remove it, or set SOFTSEG_CACHE to another folder',
    readOnly:
      'run `npx softseg install-native` where it can be written (for an image: when that is built), or set ' +
      'SOFTSEG_CACHE to a folder that can be',
    denied: 'set SOFTSEG_CACHE to a folder of your own',
  })[kind];
