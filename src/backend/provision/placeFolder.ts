import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sizeOf, withStaging } from './cache.js';
import { makeFolder } from '../system/folders.js';
import type { Settings } from './settings.js';
import { damageIn, seal } from './seal.js';

type Placing = Pick<Settings, 'cache' | 'report' | 'signal'>;

/** Seals a folder and moves it to `target` in one step. A damaged one that was there makes way, a whole one stays. */
export async function placeFolder(name: string, folder: string, target: string, settings: Placing): Promise<void> {
  const { cache, report, signal } = settings;
  await chmod(folder, 0o755); // a temporary folder is its user's alone; a cache may be shared
  const onBytes = (done: number, all: number) =>
    report({ step: 'check', label: `noting the contents of ${name}`, fraction: done / all, detail: sizeOf(done) });
  await seal(folder, { signal, onBytes });
  await makeFolder(dirname(target));
  await withStaging(cache, async (aside) => {
    if (existsSync(target)) {
      if ((await damageIn(target, { signal })) === undefined) return;
      await rename(target, join(aside, 'old'));
    }
    try {
      await rename(folder, target);
    } catch (error) {
      // Another process that worked on the same may have been faster; its folder is as good as ours.
      if (!existsSync(target)) throw error;
    }
  });
}

/** The same with a compiled file, alone in its folder. */
export async function placeAddon(made: string, target: string, settings: Placing): Promise<void> {
  const folder = join(dirname(made), 'sealed');
  await mkdir(folder);
  await rename(made, join(folder, basename(target)));
  await placeFolder(basename(target), folder, dirname(target), settings);
}

/** Runs `make`, which makes a folder anew. The old one goes back to its place if that fails, or does not run. */
export async function withoutFolder<T extends { runs: boolean }>(folder: string, make: () => Promise<T>): Promise<T> {
  const old = `${folder}${KEPT}`;
  await rm(old, { recursive: true, force: true });
  await rename(folder, old);
  let made: T | undefined;
  try {
    made = await make();
    return made;
  } finally {
    if (!made?.runs) {
      await rm(folder, { recursive: true, force: true });
      await rename(old, folder);
    } else await rm(old, { recursive: true, force: true });
  }
}

/** Ends the name of a folder that is out of its place. */
const KEPT = '.kept';

/** Puts back what runs that were killed have left out of its place, where nothing has come to be there. */
export async function putBackKept(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.endsWith(KEPT)) continue;
    const [old, folder] = [join(cache, name), join(cache, name.slice(0, -KEPT.length))];
    if (existsSync(folder)) await rm(old, { recursive: true, force: true });
    else await rename(old, folder);
  }
}
