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

/** The contents of the lock file, which names the process that is installing. */
interface Lock {
  /** Name of the owner and a random part; undefined if the file may not be read. */
  token: string | undefined;
  /** The last time that its owner touched the file, as a sign of life. */
  beat: number;
}

/**
 * Runs `work` while no other process installs into the same cache. The lock only avoids work done twice. Everything is
 * moved into its place by an atomic rename, so two processes that work at once would do no harm.
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
    const last = await readLock(path).catch(() => undefined);
    if (last?.token === token) await rm(path, { force: true });
  }
}

async function take(path: string, token: string, { signal, onWait }: LockOptions): Promise<void> {
  let waits = false;
  let seen: Lock | undefined;
  let seenAt = 0;
  for (;;) {
    if (signal?.aborted) throw interrupted();
    if (await writeLock(path, token)) return;
    const other = await readLock(path);
    if (other && (other.token !== seen?.token || other.beat !== seen?.beat)) {
      seen = other;
      seenAt = performance.now();
    }
    // The clock may have been set back since the last beat, so a lock that does not change for long is stale too.
    const stale = other && (isGone(other.token ?? '', other.beat) || performance.now() - seenAt > staleAfter);
    if (stale) await removeStale(path, other);
    if (other && !stale) {
      if (!waits) onWait?.(/^\d+(?=-)/.exec(other.token ?? '')?.[0] ?? 'unknown');
      waits = true;
    }
    // If the lock is gone, try again almost at once; the short sleep avoids a busy loop if it comes and goes for ever.
    await sleep(other && !stale ? lookEvery : 5);
  }
}

/** Writes the lock; returns false if there is one already. */
async function writeLock(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx', mode: 0o644 });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    // Other processes would wait for a half-written lock.
    if ((error as NodeJS.ErrnoException).syscall === 'write') await rm(path, { force: true });
    throw error;
  }
}

/** Reads the lock; returns undefined if there is none. */
async function readLock(path: string): Promise<Lock | undefined> {
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

/** Reads the token. It is short, so the start of the file is enough. */
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

// Removes a stale lock. It is renamed first, because only one of several waiting processes can succeed in that. Then
// its token is read: if it is the new lock of a faster process instead of the stale one, it is renamed back.
async function removeStale(path: string, { token }: Lock): Promise<void> {
  const aside = `${path}-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return; // another process was faster
    throw new InstallError(
      'permission',
      `${path} was left by a process that is gone, and cannot be removed (${messageOf(error)}); ` +
        'remove it as the user who owns it, or set SOFTSEG_CACHE to a folder of your own',
    );
  }
  if ((await readToken(aside)) !== token) await rename(aside, path).catch(() => {});
  await rm(aside, { force: true });
}
