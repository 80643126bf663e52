import { lstat, readlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { bindingOf, cachedBinding, installCommand } from './binding.js';
import { cacheFolder } from './cache.js';
import { InstallError, messageOf } from '../system/errors.js';
import { cacheRemedy, errorCode, faultError, folderFault, readOnlyDisk, type FolderFault } from '../system/folders.js';
import type { Settings } from './settings.js';
import type { FoundPackage } from '../system/packages.js';
import { diskFull } from './python.js';

// Checks of the two places that an installation writes to, the cache and the package in node_modules, and messages that
// say what is wrong with them and what to do about it.

type Package = Pick<FoundPackage, 'name' | 'folder'>;
type Places = Pick<Settings, 'cache' | 'library' | 'packageName' | 'packageVersion' | 'packageFolder'>;

/** Throws, before anything is fetched, if the result of an installation could not be put into its place. */
export async function demandPlaces(places: Places): Promise<void> {
  const fault = (await cacheFault(places)) ?? (await packageFault(places));
  if (fault) throw fault;
}

async function cacheFault({ cache, library, packageName: name, packageVersion: version }: Places) {
  const folders = [cache, join(cache, 'staging'), join(cache, 'wheels')];
  if (library) folders.push(dirname(cachedBinding(cache, { name, version }, library)));
  for (const folder of folders) {
    const fault = await folderFault(folder);
    if (fault) return faultError(fault, cacheRemedy(fault));
  }
  return undefined;
}

async function packageFault(places: Places): Promise<InstallError | undefined> {
  const { packageName, packageFolder, packageVersion: version, cache, library } = places;
  const binding = bindingOf(packageFolder);
  const target = await readlink(binding).catch(() => undefined);
  if (library && target === cachedBinding(cache, { name: packageName, version }, library)) return undefined;
  const fault = await folderFault(dirname(binding));
  if (!fault) return undefined;
  return faultError(fault, `TensorFlow's library is linked there: ${linkRemedy(fault)}`);
}

const linkRemedy = ({ kind }: FolderFault): string => {
  if (kind === 'readOnly')
    return 'run `npx softseg install-native` where it can be written (for an image: when that is built)';
  if (kind === 'denied') return 'run `npx softseg install-native` as a user who may write there';
  return 'remove it and run again';
};

/** Turns an error of the file system into one that says what to do; undefined for other errors. */
export async function explainFileError(error: unknown, places: Places): Promise<InstallError | undefined> {
  const code = errorCode(error);
  if (code === undefined || !fileErrors.has(code)) return undefined;
  const { cache, packageFolder } = places;
  const { path = '', dest = '' } = error as { path?: string; dest?: string };
  const inPackage = [path, dest].some((name) => name.startsWith(packageFolder + sep));
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    if (!inPackage) return diskFull(cache);
    return new InstallError('disk', `the disk that holds ${packageFolder} is full; free some space and run again`);
  }
  const fault = inPackage ? await packageFault(places) : ((await cacheFault(places)) ?? (await packageFault(places)));
  if (fault) return fault;
  if (code === 'EROFS') {
    const readOnly = readOnlyDisk(inPackage ? packageFolder : cache);
    return faultError(readOnly, inPackage ? linkRemedy(readOnly) : cacheRemedy(readOnly));
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new InstallError(
      'permission',
      `not allowed to write: ${messageOf(error)}; softseg needs to write to ${cache} (SOFTSEG_CACHE changes it) ` +
        `and to ${packageFolder}`,
    );
  }
  if (code === 'EIO') return new InstallError('disk', `the disk has an error (${messageOf(error)}); repair it first`);
  return undefined;
}

const fileErrors = new Set(
  ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP'].concat('EIO'),
);

/** The reason why a package's link to its library leads nowhere, and a remedy; undefined if there is no broken link. */
export async function brokenLink({ name, folder }: Package): Promise<{ what: string; remedy: string } | undefined> {
  const binding = bindingOf(folder);
  const target = await readlink(binding).catch(() => undefined);
  if (target === undefined) return undefined;
  const path = resolve(dirname(binding), target);
  const fault = await folderFault(dirname(path), 'read');
  const there = fault ? undefined : await lstat(path).catch(errorCode);
  if (typeof there === 'object') return undefined;
  if (fault?.kind === 'denied') {
    return {
      what: `TensorFlow's library was installed by another user, to ${path}, and ${fault.what}`,
      remedy: `let that user install it where all can read it (\`SOFTSEG_CACHE=/opt/softseg ${installCommand(name)}\`)`,
    };
  }
  return {
    what:
      `TensorFlow's library is not at ${path}, where the link ${binding} leads: it was removed, or node_modules was ` +
      'copied without it',
    remedy: `copy it to the same place, or run \`${installCommand(name)}\``,
  };
}

/** The reason why there is no library for a package, and what to do. */
export async function whyAbsent(found: Package): Promise<string> {
  const broken = await brokenLink(found);
  if (broken) return `${broken.what}; ${broken.remedy}`;
  const command = installCommand(found.name);
  try {
    const cache = cacheFolder();
    const fault = await folderFault(cache, 'read');
    if (fault && fault.kind !== 'gone')
      return `TensorFlow's library is not installed: ${fault.what}; ${cacheRemedy(fault)}`;
    return `TensorFlow's library is not installed; run \`${command}\``;
  } catch (error) {
    return `TensorFlow's library is not installed: ${messageOf(error)}`;
  }
}

/** The reason why a library in the cache could not be linked into its package, and what to do. */
export async function whyNotLinked(found: Package, error: unknown): Promise<string> {
  if (error instanceof InstallError) return whyAbsent(found);
  const fault = await folderFault(dirname(bindingOf(found.folder)));
  const why = fault
    ? `${fault.what}; ${linkRemedy(fault)}`
    : `${messageOf(error)}; run \`${installCommand(found.name)}\``;
  return `TensorFlow's library is in the cache but could not be linked: ${why}`;
}
