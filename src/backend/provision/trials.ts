import { createHash } from 'node:crypto';
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bindingOf, homeOf, libraryOf, type Named } from './binding.js';
import { cacheFolder } from './cache.js';
import { makeFolder } from '../system/folders.js';
import { faultOfOp, opOf } from './inspect.js';
import { aboutKernels, probe, probeModule, probeNow, TRIAL, type ProbeAnswer } from './probe.js';

// A native library that does not run here ends the process that loads it. So what was never run is first run in a process
// of its own, and that it did run is noted in the cache.

/** The outcome of a first run: why the binding does not run, or why the op does not. */
export interface Trial {
  /** Why it could not be shown. */
  untried?: string;
  binding?: string;
  op?: string;
}

/** By the record: a file that was made again since is another one. */
const underWay = new Map<string, Promise<Trial>>();
const ended = new Map<string, Trial>();

/** Milliseconds that a program waits for it. */
const timeLimit = 60_000;

/**
 * Tries a package's binding, and the op that goes with it if there is a whole one, in a process of their own, unless
 * somebody has done so before. Where there can be none (a process that has no right to start others, a bundle), nothing is
 * tried.
 */
export async function tryFirst(found: Named, op: string | undefined): Promise<Trial> {
  const key = untried(found, op);
  if (key === undefined) return {};
  const trial = ended.get(key) ?? (await (underWay.get(key) ?? runFirst(key, found, op)));
  ended.set(key, trial);
  return trial;
}

/**
 * The same at once, with the op, for those who cannot wait: where no process can be started, it was not tried. The
 * program stands still meanwhile (1 s), the first time on a machine where `softseg install-native` has not tried it.
 */
export function tryFirstNow(found: Named, op: string): Trial {
  const key = untried(found, op);
  if (key === undefined) return {};
  const before = ended.get(key);
  if (before) return before;
  const answer = probeNow(['package', found.folder, op], { timeLimit });
  const trial = trialOf(op, answer);
  ended.set(key, trial);
  void noteTrial(found, op, answer);
  return trial;
}

/** The name of a trial that is still to be run; undefined if there is none. */
function untried(found: Named, op: string | undefined): string | undefined {
  if (process.env[TRIAL] || !existsSync(probeModule) || wasTried(found, op)) return undefined;
  return recordOf(found, op) ?? bindingOf(found.folder);
}

function runFirst(key: string, found: Named, op: string | undefined): Promise<Trial> {
  const args = op === undefined ? ([found.folder] as const) : ([found.folder, op] as const);
  const trial = probe(['package', ...args], { timeLimit }).then(
    (answer) => noteTrial(found, op, answer),
    () => ({}),
  );
  underWay.set(key, trial);
  return trial;
}

/** The op that may be loaded with a package's binding. */
export function usableOp(found: Named, library = libraryOf(found.name)): string | undefined {
  const home = homeOf(found, library);
  const op = home && opOf(home);
  return op && faultOfOp(op) === undefined ? op.path : undefined;
}

/** Notes what ran in such a process. */
export async function noteTrial(
  found: Named,
  op: string | undefined,
  answer: ProbeAnswer,
  library = libraryOf(found.name),
): Promise<Trial> {
  const trial = trialOf(op, answer);
  if (!answer.runs) return trial;
  await note(recordOf(found, undefined, library));
  if (op !== undefined && trial.op === undefined) await note(recordOf(found, op, library));
  return trial;
}

function trialOf(op: string | undefined, answer: ProbeAnswer): Trial {
  if (!answer.runs) return answer.untried ? { untried: answer.why } : { binding: answer.why };
  const failure = answer.reasons.find((line) => line.startsWith(aboutKernels))?.slice(aboutKernels.length);
  return op === undefined || failure === undefined ? {} : { op: failure };
}

const wasTried = (found: Named, op: string | undefined): boolean =>
  [undefined, op].every((path) => {
    const record = recordOf(found, path);
    return record !== undefined && isFile(record);
  });

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}

/** Where it is noted that these files run here; undefined if there is no cache. */
function recordOf(found: Named, op: string | undefined, library = libraryOf(found.name)): string | undefined {
  try {
    const home = homeOf(found, library);
    const binding = realpathSync(bindingOf(found.folder));
    const libraries = home ? home.library.files.map((file) => join(home.cache, home.library.key, file)) : [];
    const files = [binding, ...libraries, ...(op === undefined ? [] : [op])].map((path) => {
      const { size, mtimeMs } = statSync(path);
      return [basename(path), size, Math.floor(mtimeMs / 1000)];
    });
    const [node = ''] = process.versions.node.split('.');
    // They decide, too, which code is loaded.
    const others = ['LD_LIBRARY_PATH', 'LD_PRELOAD'].map((name) => process.env[name] ?? '');
    const hash = createHash('sha256').update(JSON.stringify([node, process.platform, process.arch, others, files]));
    return join(home?.cache ?? cacheFolder(), 'trials', hash.digest('hex').slice(0, 32));
  } catch {
    return undefined;
  }
}

async function note(record: string | undefined): Promise<void> {
  if (record === undefined) return;
  try {
    await makeFolder(join(record, '..'));
    await writeFile(record, `${new Date().toISOString()}\n`, { mode: 0o644, flag: 'wx' });
  } catch {
    // Where nothing can be written, it is tried again the next time.
  }
}
