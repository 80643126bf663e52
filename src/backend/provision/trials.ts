import { createHash } from 'node:crypto';
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bindingOf, homeOf, libraryOf, type Named } from './binding.js';
import { cacheFolder } from './cache.js';
import { makeFolder } from '../system/folders.js';
import { faultOfOp, opOf } from './inspect.js';
import { aboutKernels, probe, probeModule, probeNow, TRIAL, type ProbeAnswer } from './probe.js';

// A native library that does not run on this machine ends the process that loads it. So files that were never run here
// are first run in another process (a trial), and a successful trial is recorded in the cache.

/** The outcome of a trial. All fields are undefined if everything ran. */
export interface Trial {
  /** The reason why there was no trial. */
  untried?: string;
  /** The reason why the binding does not run. */
  binding?: string;
  /** The reason why the op does not run. */
  op?: string;
}

/** Trials of this process by the path of their record, which differs for a file that was made again. */
const runningTrials = new Map<string, Promise<Trial>>();
const endedTrials = new Map<string, Trial>();

/** Milliseconds that a program waits for a trial. */
const timeLimit = 60_000;

/**
 * Tries a package's binding, and the op if one is given, in another process, unless a record shows that they have run
 * here. Where that is impossible (this process has no right to start others, or is a bundle), nothing is tried.
 */
export async function tryFirst(found: Named, op: string | undefined): Promise<Trial> {
  const key = untried(found, op);
  if (key === undefined) return {};
  const trial = endedTrials.get(key) ?? (await (runningTrials.get(key) ?? runFirst(key, found, op)));
  endedTrials.set(key, trial);
  return trial;
}

/**
 * The synchronous form of `tryFirst`. If no process can be started, the trial's `untried` says so. The program is
 * blocked for about 1 s, but only the first time on a machine where `softseg install-native` has not tried these files.
 */
export function tryFirstNow(found: Named, op: string): Trial {
  const key = untried(found, op);
  if (key === undefined) return {};
  const before = endedTrials.get(key);
  if (before) return before;
  const answer = probeNow(['package', found.folder, op], { timeLimit });
  const trial = trialOf(op, answer);
  endedTrials.set(key, trial);
  void noteTrial(found, op, answer);
  return trial;
}

/** The key of a trial that has to be run; undefined if none has to. */
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
  runningTrials.set(key, trial);
  return trial;
}

/** The path of the op that may be loaded with a package's binding; undefined if there is no undamaged one. */
export function usableOp(found: Named, library = libraryOf(found.name)): string | undefined {
  const home = homeOf(found, library);
  const op = home && opOf(home);
  return op && faultOfOp(op) === undefined ? op.path : undefined;
}

/** Records what ran in a trial. */
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

/** The path of the record that these files have run here; undefined if there is no cache, or a file is missing. */
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
    // These variables also affect which code is loaded.
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
    // If nothing can be written, the files are tried again the next time.
  }
}
