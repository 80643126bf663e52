import { fork, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import type { KernelKind } from '../../kernels/contract.js';
import { messageOf } from '../system/errors.js';
import { inBackend } from '../system/paths.js';
import { interrupted, lastWords } from '../system/processes.js';

/** The result of a child process that ran an op and a gradient. */
export type ProbeAnswer =
  | { runs: true; backend: string; device: string; version: string; kernels: KernelKind; reasons: string[] }
  /** `untried`: nothing is known, because the child process did not start or ended before the trial began. */
  | { runs: false; why: string; untried?: boolean };

/** Prefix of reasons that are about fused kernels. */
export const aboutKernels = 'fused kernels: ';

interface ProbeOptions {
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** Milliseconds that it may take. Default three minutes, because a slow disk has to read a gigabyte of library. */
  timeLimit?: number;
}

/** Milliseconds that Node may take to start; it waits for ever where the system gives it no threads. */
const startLimit = 30_000;

/** A variable that is set in the child processes that try backends; these start no child processes themselves. */
export const TRIAL = 'SOFTSEG_TRIAL';

/** The message that such a process sends before it loads anything. */
export const BEGUN = 'begun';

/** The module that runs in the child process; a bundle of softseg does not contain it. */
export const probeModule = inBackend('probeChild.js');

/**
 * Tries a backend in a child process, so that a crash of a library does not end this one. `['backend', 'wasm']` tries a
 * backend as `load` would start it. `['package', folder]` tries the binding of exactly that copy of tfjs-node, and
 * softseg's op too if its path is added. The child answers once without fused kernels and then with them, so that after
 * a crash it is known whether the fused kernels caused it.
 */
export function probe(
  args: ['backend', string] | ['package', string, string?],
  { env = process.env, signal, timeLimit = 180_000 }: ProbeOptions = {},
): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(interrupted());
    const child = fork(probeModule, args as string[], {
      env: { ...env, [TRIAL]: '1' },
      execArgv: [],
      silent: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let answer: ProbeAnswer | undefined;
    let hasBegun = false;
    let output = '';
    const end = () => child.kill('SIGKILL');
    const timer = setTimeout(end, timeLimit);
    const startTimer = setTimeout(end, Math.min(startLimit, timeLimit));
    signal?.addEventListener('abort', end);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-10_000)));
    }
    child.on('message', (message) => {
      clearTimeout(startTimer);
      if (message === BEGUN) hasBegun = true;
      else answer = message as ProbeAnswer;
    });
    child.on('error', reject);
    child.on('close', (code, endedBy) => {
      clearTimeout(timer);
      clearTimeout(startTimer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(interrupted());
      else resolve(answer ?? withoutAnswer(hasBegun, `ended with ${endedBy ?? code}: ${lastWords(output)}`));
    });
  });
}

function withoutAnswer(hasBegun: boolean, ended: string): ProbeAnswer {
  if (hasBegun) return { runs: false, why: `the process that tried it ${ended}` };
  const why = `the child process did not start and ${ended}; its memory, or the number of processes, may be limited`;
  return { runs: false, why, untried: true };
}

/** The pipe for answers, as lines of JSON, of a child process of spawnSync, which has no message channel. */
export const ANSWERS = 3;

/** The synchronous form of `probe`: this process is blocked meanwhile. */
export function probeNow(args: string[], { timeLimit }: { timeLimit: number }): ProbeAnswer {
  let ran: SpawnSyncReturns<string>;
  try {
    ran = spawnSync(process.execPath, [probeModule, ...args], {
      // In Electron, execPath is Node only with this variable.
      env: { ...process.env, [TRIAL]: '1', ELECTRON_RUN_AS_NODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      encoding: 'utf8',
      timeout: timeLimit,
      killSignal: 'SIGKILL',
    });
  } catch (error) {
    // This happens under Node's permission model, for example.
    const remedy = 'call load() of softseg/node before the first loss';
    return { runs: false, why: `no process can be started here (${messageOf(error)}); ${remedy}`, untried: true };
  }
  const { output, error, signal, status } = ran;
  const told = (output?.[ANSWERS] ?? '').split('\n').filter((line) => line !== '');
  const answer = told.at(-1);
  if (answer !== undefined && told.length > 1) return JSON.parse(answer) as ProbeAnswer;
  const words = lastWords(`${output?.[1] ?? ''}${output?.[2] ?? ''}` || (error?.message ?? ''));
  return withoutAnswer(told.length > 0, `ended with ${signal ?? status ?? 'an error'}: ${words}`);
}
