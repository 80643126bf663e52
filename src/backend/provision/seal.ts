import { createHash, type Hash } from 'node:crypto';
import { createReadStream, readFileSync, statSync, type Stats } from 'node:fs';
import { chmod, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { messageOf } from '../system/errors.js';
import { interrupted } from '../system/processes.js';

// A folder of the cache is sealed when it is made: a file in it lists the others with their sizes and hashes. Before
// anything in it is loaded, the folder is compared with that list, because loading a truncated or changed library ends
// the process.

/** File name of the list. */
export const SEAL = 'contents.json';

/** The state of a file when the folder was sealed. */
interface SealedFile {
  bytes: number;
  sha256: string;
  /** Time of the last change in seconds since 1970; archives keep no fractions. */
  changed: number;
}

interface Seal {
  version: 1;
  /** Keys are the paths in the folder, with slashes. */
  files: Record<string, SealedFile>;
}

/** The largest size of a list in bytes. A list of all files in TensorFlow's wheel would have a fifth of it. */
const LONGEST_LIST = 8 * 2 ** 20;

/** Bytes. Files up to this size are always hashed; larger ones only if their time of change differs. */
const SMALL = 16 * 2 ** 20;

export interface Hashing {
  signal?: AbortSignal;
  /** Called with the number of bytes hashed so far, and the total number. */
  onBytes?: (done: number, all: number) => void;
}

/**
 * Seals a folder: writes the list of its files, and sets the rights of all files so that everyone may read them and
 * only their owner may write to them, whatever the umask is, because users may share a cache.
 */
export async function seal(folder: string, hashing: Hashing = {}): Promise<void> {
  const paths = await contentsOf(folder);
  await setRights(folder, paths);
  const stats = await Promise.all(paths.map((path) => stat(path)));
  const count = counting(
    hashing,
    stats.reduce((sum, { size }, i) => (stats[i]!.isFile() ? sum + size : sum), 0),
  );
  const files: Seal['files'] = {};
  for (const [i, path] of paths.entries()) {
    const { size, mtimeMs } = stats[i]!;
    const name = relative(folder, path).split(sep).join('/');
    if (stats[i]!.isFile()) files[name] = { bytes: size, sha256: await hashOf(path, count), changed: seconds(mtimeMs) };
  }
  const text: Seal = { version: 1, files };
  const list = join(folder, SEAL);
  await writeFile(list, JSON.stringify(text, null, 1));
  await chmod(list, 0o644);
}

/** Counts the bytes of several files together. */
function counting({ signal, onBytes }: Hashing, all: number): HashingFile {
  let done = 0;
  return { signal, onChunk: (bytes) => onBytes?.((done += bytes), all) };
}

interface HashingFile {
  signal?: AbortSignal;
  onChunk: (bytes: number) => void;
}

async function setRights(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of [folder, ...paths]) {
    const stats = await stat(path);
    const wanted = stats.isDirectory() || stats.mode & 0o100 ? 0o755 : 0o644;
    if ((stats.mode & 0o777) !== wanted) await chmod(path, wanted);
  }
}

/** Makes a sealed folder readable for all users again, if it belongs to this user. */
export async function makeReadable(folder: string): Promise<void> {
  await setRights(folder, await contentsOf(folder)).catch(() => {});
  await chmod(join(folder, SEAL), 0o644).catch(() => {});
}

async function contentsOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const inside = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return inside.filter((path) => path !== join(folder, SEAL));
}

export interface Inspection extends Hashing {
  /** The files that are compared. Default: all in the list. */
  files?: readonly string[];
  /** Hashes large files too. */
  full?: boolean;
}

/**
 * The damage of a sealed folder, in words; undefined if it is as it was when it was sealed. Throws if that cannot be
 * determined, because a file may not be read or the system lacks a resource.
 */
export async function damageIn(folder: string, inspection: Inspection = {}): Promise<string | undefined> {
  const sealed = readList(folder);
  if (typeof sealed === 'string') return sealed;
  const looked = inspection.files ?? Object.keys(sealed);
  const all = looked.reduce((sum, file) => sum + (sealed[file]?.bytes ?? 0), 0);
  const count = counting(inspection, all);
  for (const file of looked) {
    const known = inList(sealed, file);
    const damage = known ? await damageOf(join(folder, file), known, count, inspection.full) : UNLISTED;
    if (damage !== undefined) return `${join(folder, file)} ${damage}`;
  }
  return undefined;
}

/** The damage of one small file in a sealed folder, determined synchronously. */
export function damageOfSmallFile(folder: string, file: string): string | undefined {
  const sealed = readList(folder);
  if (typeof sealed === 'string') return sealed;
  const path = join(folder, file);
  const known = inList(sealed, file);
  const hash = () => createHash('sha256').update(readFileSync(path)).digest('hex');
  const damage = known
    ? unlessMissing(() => otherSize(statSync(path), known) ?? otherContents(hash(), known))
    : UNLISTED;
  return damage === undefined ? undefined : `${path} ${damage}`;
}

const UNLISTED = `is not listed in ${SEAL}`;

const inList = (sealed: Seal['files'], file: string): SealedFile | undefined =>
  Object.hasOwn(sealed, file) ? sealed[file] : undefined;

/** The files in the list of a folder, or the reason in words why there is no usable list. */
function readList(folder: string): Seal['files'] | string {
  const list = join(folder, SEAL);
  const unlisted = (why: string) => `${list} does not list what was installed (${why})`;
  const missing = unlessMissing(() => notAFile(statSync(list)));
  if (missing !== undefined) return unlisted(`it ${missing}`);
  const { size } = statSync(list);
  if (size > LONGEST_LIST) return unlisted(`it has ${size} bytes, and no list has more than ${LONGEST_LIST}`);
  const text = readFileSync(list, 'utf8');
  try {
    return parse(text).files;
  } catch (error) {
    return unlisted(messageOf(error));
  }
}

async function damageOf(
  path: string,
  known: SealedFile,
  hashing: HashingFile,
  full = false,
): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    const { size, mtimeMs } = stats;
    const other = otherSize(stats, known);
    if (other !== undefined) return other;
    const sameTime = seconds(mtimeMs) === known.changed;
    if (size > SMALL && sameTime && !full) return undefined;
    const changed = otherContents(await hashOf(path, hashing), known);
    if (changed !== undefined) return changed;
    // The file was copied. Its time is set back, so that it need not be hashed the next time; it does not matter if
    // that is not allowed.
    if (size > SMALL && !sameTime) await utimes(path, known.changed, known.changed).catch(() => {});
    return undefined;
  } catch (error) {
    return missingOf(error);
  }
}

/** The complaint if it is not a regular file; reading a pipe, for example, might never end. */
const notAFile = (stats: Stats): string | undefined => (stats.isFile() ? undefined : 'is not a file');

const otherSize = (stats: Stats, { bytes }: SealedFile): string | undefined =>
  notAFile(stats) ?? (stats.size === bytes ? undefined : `has ${stats.size} bytes instead of ${bytes}`);

const otherContents = (sha256: string, known: SealedFile): string | undefined =>
  sha256 === known.sha256 ? undefined : `is not as it was installed (sha256 ${sha256} instead of ${known.sha256})`;

function unlessMissing<T>(look: () => T): T | string {
  try {
    return look();
  } catch (error) {
    return missingOf(error);
  }
}

/**
 * The message for a missing file. Other errors (no right to read, too many open files) are thrown again, because they
 * do not show that the file is damaged.
 */
function missingOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return 'is missing';
  if (code === 'ELOOP') return 'is a link that leads in a circle';
  throw error;
}

function parse(text: string): Seal {
  const given = JSON.parse(text) as Partial<Seal> | null;
  const files = Object.entries(given?.files ?? {});
  const whole = files.every(
    ([name, file]) =>
      !name.split('/').includes('..') &&
      !name.includes('\0') &&
      Number.isSafeInteger(file?.bytes) &&
      Number.isSafeInteger(file.changed) &&
      /^[0-9a-f]{64}$/.test(String(file.sha256)),
  );
  if (given?.version !== 1 || files.length === 0 || !whole) throw new Error('it is damaged, or from another version');
  return given as Seal;
}

async function hashOf(path: string, { signal, onChunk }: HashingFile): Promise<string> {
  const hash: Hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    if (signal?.aborted) throw interrupted();
    hash.update(chunk as Buffer);
    onChunk((chunk as Buffer).length);
  }
  return hash.digest('hex');
}

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
