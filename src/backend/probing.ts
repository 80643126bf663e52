import { fork } from 'node:child_process';
import type { KernelKind } from '../kernels/contract.js';
import { beside } from './here.js';
import { interrupted, lastWords } from './processes.js';

/** What a child process found when it really ran an op and a gradient. */
export type ProbeAnswer =
  | { runs: true; backend: string; device: string; version: string; kernels: KernelKind; reasons: string[] }
  | { runs: false; why: string };

/** Stands before a reason that is about fused kernels. */
export const aboutKernels = 'fused kernels: ';

interface ProbeOptions {
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

const timeLimit = 180_000; // milliseconds; a slow disk reads a gigabyte of library

/**
 * Tries a backend in a process of its own, so that a library that crashes takes nobody along: `['backend', 'wasm']`
 * as `load` would start it, `['package', folder]` the binding of that copy of tfjs-node and no other, and with it
 * softseg's op if a path of one is added. The child answers once without fused kernels and then with them, so that it
 * is known what has crashed.
 */
export function probe(
  args: ['backend', string] | ['package', string, string?],
  { env, signal }: ProbeOptions = {},
): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(interrupted());
    const child = fork(beside('probe.js'), args as string[], {
      env,
      execArgv: [],
      silent: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let answer: ProbeAnswer | undefined;
    let output = '';
    const end = () => child.kill('SIGKILL');
    const timer = setTimeout(end, timeLimit);
    signal?.addEventListener('abort', end);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-10_000)));
    }
    child.on('message', (message) => (answer = message as ProbeAnswer));
    child.on('error', reject);
    child.on('close', (code, endedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(interrupted());
      else
        resolve(
          answer ?? {
            runs: false,
            why: `the process that tried it ended with ${endedBy ?? code}: ${lastWords(output)}`,
          },
        );
    });
  });
}
