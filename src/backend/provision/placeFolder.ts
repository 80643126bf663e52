import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sizeOf, withStaging } from './cache.js';
import { makeFolder } from '../system/folders.js';
import type { Settings } from './settings.js';
import { damageIn, seal } from './seal.js';

type Placing = Pick<Settings, 'cache' | 'report' | 'signal'>;

/** Seals a folder and moves it to `target` in one step. An undamaged folder that is already there stays. */
export async function placeFolder(name: string, folder: string, target: string, settings: Placing): Promise<void> {
  const { cache, report, signal } = settings;
  await chmod(folder, 0o755); // only its user may enter a temporary folder, but a cache may be shared
  const onBytes = (done: number, all: number) =>
    report({ step: 'check', label: `listing the contents of ${name}`, fraction: done / all, detail: sizeOf(done) });
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
      // Another process that made the same folder may have been faster; its folder is as good as this one.
      if (!existsSync(target)) throw error;
    }
  });
}

/** Places a compiled file as `target`, alone in its folder, as `placeFolder` does. */
export async function placeAddon(made: string, target: string, settings: Placing): Promise<void> {
  const folder = join(dirname(made), 'sealed');
  await mkdir(folder);
  await rename(made, join(folder, basename(target)));
  await placeFolder(basename(target), folder, dirname(target), settings);
}

/** Runs `make`, which makes a folder again. If that fails, or its result does not run, the old folder is put back. */
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

/** Suffix for a folder that is kept while a new one is made. */
const KEPT = '.kept';

/** Puts back the folders that killed runs have renamed with the suffix, unless there are new ones in their place. */
export async function putBackKept(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.endsWith(KEPT)) continue;
    const [old, folder] = [join(cache, name), join(cache, name.slice(0, -KEPT.length))];
    if (existsSync(folder)) await rm(old, { recursive: true, force: true });
    else await rename(old, folder);
  }
}
