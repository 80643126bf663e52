import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

const staleAfter = 30_000; // milliseconds without a sign of life

/** Name of this process, unique among the machines and containers that may share a cache: `<pid>-<machine>`. */
export const ownName = (): string => `${process.pid}-${machine()}`;

/**
 * Whether the owner of a lock or a folder is gone: its process has ended (which can be known on the same machine only),
 * or it has not given a sign of life for a while.
 */
export function isGone(name: string, lastBeat: number): boolean {
  const [pid, where] = name.split('-');
  if (where === machine() && !isRunning(Number(pid))) return true;
  return Date.now() - lastBeat > staleAfter;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let known: string | undefined;

// Two containers can have one host name and each a process 7: the boot and the PID namespace tell them apart.
function machine(): string {
  if (known !== undefined) return known;
  const parts = [hostname(), attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))];
  parts.push(attempt(() => readlinkSync('/proc/self/ns/pid')));
  known = createHash('sha256').update(parts.join('|')).digest('hex').slice(0, 12);
  return known;
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
