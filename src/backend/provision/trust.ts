import { lstatSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The reason why code at `path` must not be run: another user owns the file or a folder above it, or can write to it,
 * and so could put other code in its place. Undefined if there is none, as always on Windows. The rule is OpenSSH's for
 * keys, with two exceptions: the entries of a folder with the sticky bit, such as /tmp, are safe from others; and a
 * group whose number is that of the owner counts as having no other members.
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
    return `${path} belongs to another user (uid ${owner}), who could change it; chown it to root or to yourself`;
  }
  if (stats.isDirectory() && mode & 0o1000) return undefined;
  if (mode & 0o002) return `everyone may write to ${path}; remove that right (chmod o-w)`;
  if (mode & 0o020 && group !== owner) {
    return `the group ${group} may write to ${path}; remove that right (chmod g-w)`;
  }
  return undefined;
}

/**
 * True if `owner` stands for root in a user namespace that has no root (some sandboxes and containers). There all files
 * of root, even the folder /, appear as owned by the overflow user, the system's stand-in for unknown users. In a
 * namespace that has root, the overflow user stands for other users.
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
