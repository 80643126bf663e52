/** Reading and writing files that may be damaged, and that other programs may replace or remove at the same time. */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readlink, realpath, rmdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fail, show } from '../checks.js';
import { codeOf, isMissing, withCause } from './fileError.js';

/**
 * Throws if the value cannot be the path of a folder. URLs are refused, too: used as a path, one would create a folder
 * named `file:`.
 */
export function checkFolder(folder: unknown): asserts folder is string {
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) {
    fail(`folder must be a path, got ${show(folder)}`);
  }
  if (!/^[a-z][a-z\d+.-]+:\/\//i.test(folder)) return;
  const advice = folder.startsWith('file://')
    ? 'leave out file://, or give it to saveModel or tf.loadLayersModel as it is'
    : 'saveModel and tf.loadLayersModel take it as it is';
  fail(`folder must be a path, got the URL ${show(folder)}; ${advice}`);
}

/** The number of bytes read or written at a time, so that other tasks can run in between. */
const CHUNK = 8 << 20;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface OpenFile {
  handle: FileHandle;
  size: number;
}

/**
 * Opens a file in a folder for reading. It must lie in the folder after all links are resolved, and it must be a
 * regular file; a pipe would block the program.
 */
export async function openInside(folder: string, path: string): Promise<OpenFile> {
  const [root, real] = [await realpath(folder), await realpath(join(folder, path))];
  const inside = relative(root, real);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new Error(`it is a link out of the folder, to ${real}`);
  }
  // Windows has neither flag.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
  const handle = await open(real, flags);
  try {
    const stats = await handle.stat();
    if (!stats.isFile())
      throw new Error(`it is ${stats.isDirectory() ? 'a folder' : 'a pipe or a device'}, not a file`);
    return { handle, size: stats.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Fills `into` from the beginning of the file, and returns the sha256 of the bytes. */
export async function readWhole({ handle }: OpenFile, into: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  let at = 0;
  while (at < into.length) {
    const { bytesRead } = await handle.read(into, at, Math.min(CHUNK, into.length - at), at);
    if (bytesRead === 0) {
      throw new Error(`it became shorter while it was read: only ${at} of ${into.length} bytes are left`);
    }
    hash.update(into.subarray(at, at + bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}

/** Writes a new file, syncs it to the disk, and returns its sha256. */
export async function writeWhole(path: string, content: Uint8Array): Promise<string> {
  const hash: Hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    for (let at = 0; at < content.length; at += CHUNK) {
      const chunk = content.subarray(at, at + CHUNK);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** Makes a folder and its parents where they are missing. Returns the folders that it made, the innermost first. */
export async function makeFolders(path: string): Promise<string[]> {
  const exists = () => stat(path).then((stats) => stats.isDirectory(), () => false); // prettier-ignore
  if (await exists()) return [];
  const above: string[] = [];
  try {
    await mkdir(path).catch(async (error: unknown) => {
      if (!isMissing(error) || dirname(path) === path) throw error;
      above.push(...(await makeFolders(dirname(path))));
      await mkdir(path);
    });
    await sync(dirname(path)).catch(async (error: unknown) => {
      await removeEmpty([path]);
      throw error;
    });
    return [path, ...above];
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await exists())) return above; // another program has made it
    await removeEmpty(above);
    // The error about a parent folder comes from inTheWay, and has no syscall.
    const { code, syscall } = error as NodeJS.ErrnoException;
    throw code === 'EEXIST' && syscall === 'mkdir' ? await inTheWay(path, error as Error) : error;
  }
}

/** The error that says what is in the place of the folder. That of mkdir says only that something exists. */
async function inTheWay(path: string, error: Error): Promise<Error> {
  const link = await readlink(path).catch(() => undefined);
  if (link === undefined) return withCause(`EEXIST: ${path} is not a folder`, error);
  return withCause(`EEXIST: ${path} is a link to ${link}, where there is no folder`, error);
}

/** Removes those of the folders that are empty. */
export async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => {});
}

/** The errors of systems that cannot sync folders, or, like Windows, cannot open them. */
const NO_SYNC = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EPERM', 'EACCES', 'EBADF'];

/** Syncs a folder to the disk. Only then are new and renamed files in it sure to be there after a power failure. */
export async function sync(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!NO_SYNC.includes(codeOf(error) ?? '')) throw error;
  }
}
