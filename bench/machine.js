import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { URL, fileURLToPath } from 'node:url';

/** The facts about this machine on which the figures depend. */
export function machine() {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${type()} ${release()} ${process.arch}`,
    node: process.version,
  };
}

/** The commit of this clone, followed by a + if files differ from it. */
export function commit() {
  const git = (...args) =>
    execFileSync('git', args, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain') ? '+' : '');
  } catch {
    return 'unknown';
  }
}

/** The number of cores busy with other work, observed for `ms` milliseconds in which this process does nothing. */
export async function busyCores(ms = 500) {
  const times = () => cpus().map(({ times: { idle, ...busy } }) => ({ idle, busy: sum(Object.values(busy)) }));
  const before = times();
  await setTimeout(ms);
  const shares = times().map(({ idle, busy }, i) => {
    const [idleFor, busyFor] = [idle - before[i].idle, busy - before[i].busy];
    return busyFor / Math.max(1, idleFor + busyFor);
  });
  return Math.round(sum(shares) * 100) / 100;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
