import { existsSync } from 'node:fs';
import { cp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { InstallError } from '../system/errors.js';
import type { Settings } from './settings.js';
import { isGone, ownName } from '../system/processIdentity.js';
import { lastWords, run } from '../system/processes.js';
import { probe } from './probe.js';

/**
 * Runs the install script that tfjs-node ships, which fetches TensorFlow 2.9.1 and a binding.
 *
 * The script writes into its own package, and leaves it in a half-finished state if it fails. So it runs in a copy next
 * to the real package, where it finds the same dependencies, and its result is moved over once that runs.
 */
export async function runOwnInstaller(settings: Settings): Promise<void> {
  const { packageName, packageFolder, env, signal, report, ownInstallerTime } = settings;
  const prefix = `.${basename(packageFolder)}-softseg-`;
  const parent = dirname(packageFolder);
  await removeStale(parent, prefix);
  const copy = join(parent, `${prefix}${ownName()}`);
  try {
    await copyPackage(packageFolder, copy);
    report({ step: 'fetch', label: `running ${packageName}'s own installer` });
    const args = ['scripts/install.js', packageName.endsWith('-gpu') ? 'gpu' : 'cpu', 'download'];
    const path = [...binFolders(packageFolder), env['PATH'] ?? ''].join(delimiter);
    const ran = await run(process.execPath, args, {
      cwd: copy,
      env: { ...env, PATH: path },
      signal,
      timeout: ownInstallerTime,
    });
    if (ran.timedOut) throw failed(settings, `took longer than ${Math.round(ownInstallerTime / 1000)} s and was ended`);
    if (ran.code !== 0) throw failed(settings, `said ${lastWords(ran.output)}`);
    const answer = await probe(['package', copy], { env, signal });
    if (!answer.runs) throw failed(settings, `made a binding that does not run: ${answer.why}`);

    // On Windows the library next to the binding is a link into deps; the copy contains the file itself.
    await rm(join(packageFolder, 'deps'), { recursive: true, force: true });
    await rename(join(copy, 'deps'), join(packageFolder, 'deps'));
    const folder = join('lib', 'napi-v8');
    await cp(join(copy, folder), join(packageFolder, folder), { recursive: true, dereference: true });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function copyPackage(from: string, to: string): Promise<void> {
  const left = new Set(['deps', 'lib', 'build', 'node_modules']);
  await cp(from, to, { recursive: true, filter: (path) => !(dirname(path) === from && left.has(basename(path))) });
  const nested = join(from, 'node_modules');
  if (existsSync(nested)) await symlink(nested, join(to, 'node_modules'), 'junction');
}

/** The folders of commands that npm would put on the PATH for the package's scripts. */
function binFolders(folder: string): string[] {
  const bin = join(folder, 'node_modules', '.bin');
  const parent = dirname(folder);
  const rest = parent === folder ? [] : binFolders(parent);
  return existsSync(bin) ? [bin, ...rest] : rest;
}

async function removeStale(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    // The copy gives no sign of life, so it is stale only if its process has ended.
    if (isGone(name.slice(prefix.length), Date.now())) await rm(join(parent, name), { recursive: true, force: true });
  }
}

const failed = ({ packageName }: Settings, what: string): InstallError =>
  new InstallError('installer', `${packageName}'s own installer ${what}`);
