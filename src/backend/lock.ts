import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from './cache.js';
import { isGone, ownName } from './owner.js';
import { interrupted } from './processes.js';

const beatEvery = 2_000; // milliseconds
const lookEvery = 300;

interface LockOptions {
  signal?: AbortSignal;
  /** Called once if another process holds the lock. */
  onWait?: (pid: string) => void;
}

/**
 * Runs `work` while no other process runs its own on the same cache. The lock only spares double work and tells what is
 * stale: everything is moved into its place by an atomic rename, so two that work at once would do no harm.
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
    if ((await holder(path))?.token === token) await rm(path, { force: true });
  }
}

async function take(path: string, token: string, { signal, onWait }: LockOptions): Promise<void> {
  let waits = false;
  for (;;) {
    if (signal?.aborted) throw interrupted();
    try {
      await writeFile(path, token, { flag: 'wx', mode: 0o644 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const other = await holder(path);
    if (!other) continue;
    if (isGone(other.token, other.beat)) {
      await remove(path, other.token);
      continue;
    }
    if (!waits) onWait?.(other.token.split('-')[0] ?? '?');
    waits = true;
    await sleep(lookEvery);
  }
}

async function holder(path: string): Promise<{ token: string; beat: number } | undefined> {
  try {
    const [token, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { token, beat: mtimeMs };
  } catch {
    return undefined;
  }
}

// Moved aside first, because only one of several that wait can win that; a look inside shows whether it was still the
// stale lock or already the new one of a process that was faster, which then goes back.
async function remove(path: string, token: string): Promise<void> {
  const aside = `${path}-${randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== token) await rename(aside, path);
  } catch {
    // another one was faster
  }
  await rm(aside, { force: true });
}
