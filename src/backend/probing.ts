import { fork } from 'node:child_process';
import { beside } from './here.js';
import { interrupted, lastWords } from './processes.js';

/** What a child process found when it really ran an op and a gradient. */
export type ProbeAnswer =
  { runs: true; backend: string; device: string; version: string; reasons: string[] } | { runs: false; why: string };

interface ProbeOptions {
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
}

const timeLimit = 180_000; // milliseconds; a slow disk reads a gigabyte of library

/**
 * Tries a backend in a process of its own, so that a library that crashes takes nobody along: `['backend', 'wasm']`
 * as `load` would start it, `['package', folder]` the binding of that copy of tfjs-node and no other.
 */
export function probe(args: ['backend' | 'package', string], { env, signal }: ProbeOptions = {}): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(interrupted());
    const child = fork(beside('probe.js'), args, {
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
