import { spawn } from 'node:child_process';
import { InstallError } from './errors.js';
import { visibleLine } from './terminal.js';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** Milliseconds after which the process is ended. */
  timeout?: number;
  /** Called with each complete line of standard output. */
  onLine?: (line: string) => void;
}

export interface RunResult {
  /** Exit code; null when a signal or the timeout ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  /** The end of its output (standard output and standard error). */
  output: string;
}

const keptOutput = 20_000; // characters

/**
 * Runs a program to its end. It gets a process group of its own, so that an abort or a timeout ends its children too.
 * Its standard input stays open and closes when this process ends for any reason (python.ts uses that).
 *
 * Rejects when the program cannot be started (`error.code` is ENOENT when it does not exist) or the signal is aborted.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { cwd, env, signal, timeout, onLine } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(interrupted());
    const ownGroup = process.platform !== 'win32';
    const child = spawn(command, args, { cwd, env, detached: ownGroup, windowsHide: true });
    let output = '';
    let pending = '';
    let timedOut = false;

    const end = () => {
      try {
        if (ownGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // The process has ended by itself meanwhile.
      }
    };
    const timer = setTimeout(() => ((timedOut = true), end()), timeout ?? 2 ** 31 - 1);
    signal?.addEventListener('abort', end);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    };

    const keep = (text: string) => {
      output = (output + text).slice(-keptOutput);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      keep(text);
      const lines = (pending + text).split('\n');
      pending = lines.pop() ?? '';
      if (onLine) lines.forEach(onLine);
    });
    child.stderr.setEncoding('utf8').on('data', keep);
    child.stdin.on('error', () => {}); // a program that never reads may close it
    child.on('error', (error) => (settle(), reject(error)));
    child.on('close', (code, endedBy) => {
      settle();
      if (signal?.aborted) reject(interrupted());
      else resolve({ code, signal: endedBy, timedOut, output });
    });
  });
}

export const interrupted = (): InstallError =>
  new InstallError(
    'interrupted',
    'interrupted; unfinished files were removed, and finished ones will be used next time',
  );

/**
 * The important last lines of another program's output, as one quoted line: those with errors, or if there are none its
 * end.
 */
export function lastWords(output: string, lines = 2): string {
  const all = output
    // eslint-disable-next-line no-control-regex -- colours and cursor movements of the other program
    .replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x09\x0b-\x1f\x7f]/g, '')
    .split('\n')
    .map((line) => visibleLine(line).trim())
    .filter((line) => line !== '');
  const errors = all.filter((line) => /\berror\b|\berr!/i.test(line));
  const chosen = (errors.length > 0 ? errors : all).slice(-lines).map((line) => clip(line, 240));
  return chosen.length > 0 ? `"${chosen.join(' | ')}"` : 'nothing';
}

const clip = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
