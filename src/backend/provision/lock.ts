import { randomUUID } from 'node:crypto';
import { open, lstat, rename, rm, utimes, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InstallError, messageOf } from '../system/errors.js';
import { errorCode, kindOf, makeFolder } from '../system/folders.js';
import { isGone, ownName, staleAfter } from '../system/processIdentity.js';
import { interrupted } from '../system/processes.js';

const beatEvery = 2_000; // milliseconds
const lookEvery = 300;

interface LockOptions {
  signal?: AbortSignal;
  /** Called once if another process holds the lock. */
  onWait?: (pid: string) => void;
}

/** The file that says who is at work. */
interface Lock {
  /** Undefined where it may not be read. */
  token: string | undefined;
  /** When its owner gave a sign of life. */
  beat: number;
}

/**
 * Runs `work` while no other process runs its own on the same cache. The lock only spares double work and tells what is
 * stale: everything is moved into its place by an atomic rename, so two that work at once would do no harm.
 *
 * @throws an InstallError if something else has the lock's name, or a stale lock cannot be removed
 */
export async function withLock<T>(cache: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await makeFolder(cache);
  const path = join(cache, 'lock');
  const token = `${ownName()}-${randomUUID()}`;
  await take(path, token, options);
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), beatEvery);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    const last = await look(path).catch(() => undefined);
    if (last?.token === token) await rm(path, { force: true });
  }
}

async function take(path: string, token: string, { signal, onWait }: LockOptions): Promise<void> {
  let waits = false;
  let seen: Lock | undefined;
  let seenAt = 0;
  for (;;) {
    if (signal?.aborted) throw interrupted();
    if (await makes(path, token)) return;
    const other = await look(path);
    if (other && (other.token !== seen?.token || other.beat !== seen?.beat)) {
      seen = other;
      seenAt = performance.now();
    }
    // The clock may have been set back since the last beat: what has not changed for so long is stale, too.
    const stale = other && (isGone(other.token ?? '', other.beat) || performance.now() - seenAt > staleAfter);
    if (stale) await remove(path, other);
    if (other && !stale) {
      if (!waits) onWait?.(/^\d+(?=-)/.exec(other.token ?? '')?.[0] ?? 'unknown');
      waits = true;
    }
    // Where it has gone it may be had at once; but should it come and go for ever, nobody is kept busy by that.
    await sleep(other && !stale ? lookEvery : 5);
  }
}

/** Writes the lock; false if the name is taken. */
async function makes(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx', mode: 0o644 });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    // Half-written, it would be waited for.
    if ((error as NodeJS.ErrnoException).syscall === 'write') await rm(path, { force: true });
    throw error;
  }
}

/** Undefined if there is none. */
async function look(path: string): Promise<Lock | undefined> {
  const found = await lstat(path).catch((error) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return undefined;
  if (!found.isFile()) {
    throw new InstallError(
      'cache',
      `${path} is ${kindOf(found)}, where softseg keeps a file while it installs; remove it and run again`,
    );
  }
  return { token: await readToken(path), beat: found.mtimeMs };
}

/** The start of the file: a token is short. */
async function readToken(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(200), 0, 200, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

// Moved aside first, because only one of several that wait can win that; a look inside shows whether it was still the
// stale lock or already the new one of a process that was faster, which then goes back.
async function remove(path: string, { token }: Lock): Promise<void> {
  const aside = `${path}-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return; // another one was faster
    throw new InstallError(
      'permission',
      `${path} was left by a process that is gone, and cannot be removed (${messageOf(error)}); ` +
        'remove it as the user who owns it, or set SOFTSEG_CACHE to a folder of your own',
    );
  }
  if ((await readToken(aside)) !== token) await rename(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
