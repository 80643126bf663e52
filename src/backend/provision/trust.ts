import { lstatSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Why code at `path` must not be run: the file, or a folder on the way to it, belongs to somebody else or can be written
 * by somebody else, who could put other code in its place. Undefined if all is well, as always on Windows. The rule is
 * OpenSSH's for keys, but for two things: entries of a folder with the sticky bit, such as /tmp, are safe from others; and
 * a group that has the number of the owner has no other members.
 */
export function whyNotTrusted(path: string, user = process.geteuid?.()): string | undefined {
  if (user === undefined) return undefined;
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const why = otherWriter(at, lstatSync(at), user);
    if (why !== undefined || dirname(at) === at) return why;
  }
}

function otherWriter(path: string, stats: Stats, user: number): string | undefined {
  const { uid: owner, gid: group, mode } = stats;
  if (owner !== 0 && owner !== user && !isUnmappedRoot(owner)) {
    return `${path} belongs to another user (uid ${owner}), who could change it; give it to root or to yourself (chown)`;
  }
  if (stats.isDirectory() && mode & 0o1000) return undefined;
  if (mode & 0o002) return `everyone may write to ${path}; take that right away (chmod o-w)`;
  if (mode & 0o020 && group !== owner) {
    return `the group ${group} may write to ${path}; take that right away (chmod g-w)`;
  }
  return undefined;
}

/**
 * In a user namespace that knows no root (some sandboxes and containers), all that is root's, even the folder /, shows as
 * of a stand-in for those who are unknown. Where root is known, the stand-in is somebody else.
 */
function isUnmappedRoot(owner: number): boolean {
  try {
    if (owner !== Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'))) return false;
    const ranges = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
    return !ranges.some((line) => line.trim().startsWith('0 '));
  } catch {
    return false; // not Linux
  }
}
