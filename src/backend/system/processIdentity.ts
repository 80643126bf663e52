import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Milliseconds without a sign of life after which a process is presumed gone. */
export const staleAfter = 30_000;
/** Milliseconds. A sign of life that lies further in the future was given by a wrong clock and does not count. */
const wrongClock = 24 * 3_600_000;

/** The name of this process, unique among the machines and containers that may share a cache: `<pid>-<machine>`. */
export const ownName = (): string => `${process.pid}-${machine()}`;

/**
 * True if the owner of a lock or a folder is gone: its process has ended (which can be known only on the same machine),
 * or it has not given a sign of life for a while.
 */
export function isGone(name: string, lastBeat: number): boolean {
  const [pid, where] = name.split('-');
  if (where === machine() && !isRunning(pid)) return true;
  const age = Date.now() - lastBeat;
  return age > staleAfter || age < -wrongClock;
}

function isRunning(pid = ''): boolean {
  // 0 and negative numbers stand for groups of processes, so they are no pids.
  if (!/^[1-9]\d*$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let known: string | undefined;

// Two containers can have the same host name and the same pids; the boot id and the PID namespace distinguish them.
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
