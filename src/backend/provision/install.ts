import { existsSync, realpathSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KernelKind } from '../../kernels/contract.js';
import {
  bindingOf,
  cachedBinding,
  foreignLibrary,
  homeOf,
  libraryOf,
  linkBinding,
  type NativePackage,
} from './binding.js';
import { cacheFolder, demandSpace, freeBytes, removeStaleStaging, sizeOf } from './cache.js';
import { compileBinding, findCompilers } from './compile.js';
import { compileOp } from './compileOp.js';
import { cacheVariable, wrongVariables } from '../system/environment.js';
import { InstallError, messageOf } from '../system/errors.js';
import { visibleGpuDriver } from '../system/gpu.js';
import { faultOfBinding, opOf, piecesOf } from './inspect.js';
import { withLock } from './lock.js';
import { cachedOp } from './op.js';
import { runOwnInstaller } from './ownInstaller.js';
import { findPackage } from '../system/packages.js';
import { placeFolder, putBackKept, withoutFolder } from './placeFolder.js';
import { brokenLink, demandPlaces, explainFileError } from './checkPlaces.js';
import { demandPlatform } from './platform.js';
import { aboutKernels, probe, type ProbeAnswer } from './probe.js';
import { damageIn, makeReadable } from './seal.js';
import type { InstallProgress, Settings } from './settings.js';
import { noteTrial, usableOp } from './trials.js';
import { whyNotTrusted } from './trust.js';
import { bringWheel } from './fetchWheel.js';
import type { Library } from './pinnedWheels.js';

export interface InstallOptions {
  /** Installs the CUDA build for @tensorflow/tfjs-node-gpu (Linux x64). Default: the CPU build for tfjs-node. */
  cuda?: boolean;
  /**
   * With `cuda`: also fetches NVIDIA's CUDA libraries (2.8 GB). By default they are fetched if a driver is visible,
   * because without a GPU the CUDA build runs on the processor and needs none.
   */
  cudaLibraries?: boolean;
  onProgress?: (progress: InstallProgress) => void;
  /** Called with lines worth keeping: that an attempt failed and what is next, or that another installation runs. */
  onNote?: (line: string) => void;
  /** Aborting it ends all child processes and removes unfinished files. */
  signal?: AbortSignal;
}

export interface InstallResult {
  package: NativePackage;
  /** Version of TensorFlow. */
  version: string;
  device: 'cuda' | 'cpu';
  /** The origin of the binding: it ran already, it uses the pinned wheel, or tfjs-node's own installer made it. */
  by: 'already there' | 'wheel' | "tfjs-node's installer";
  /** The binding that tfjs-node loads. */
  binding: string;
  /** 'fused native' if softseg's own op runs; without it ('composed') the losses give the same values, slower. */
  kernels: KernelKind;
}

/**
 * Fetches TensorFlow's library into this user's cache, compiles tfjs-node's binding against it, links the binding into
 * node_modules, and compiles softseg's own op. It is quick if all this was done before. It tries, in this order: a
 * binding that runs already; the pinned wheel of TensorFlow; tfjs-node's own installer. It throws an InstallError that
 * says in one line what is missing.
 *
 * It can be interrupted at any moment and run several times at once: the result of each step is made in a temporary
 * folder and moved to its place when it is complete.
 *
 * @example
 * ```ts
 * const line = new ProgressLine();
 * const { version } = await installNative({ onProgress: showOn(line), onNote: (text) => line.note(text) });
 * line.done(`TensorFlow ${version} is ready`);
 * ```
 */
export async function installNative(options: InstallOptions = {}): Promise<InstallResult> {
  return install(resolveSettings(options));
}

function resolveSettings({ cuda = false, ...options }: InstallOptions): Settings {
  const [wrong] = Object.values(wrongVariables(process.env));
  if (wrong !== undefined) throw new InstallError('environment', wrong);
  const installed = (name: string) => {
    try {
      return findPackage(name);
    } catch (error) {
      throw new InstallError('package', messageOf(error));
    }
  };
  const packageName = cuda ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  const found = installed(packageName);
  if (!found) {
    const other = !cuda && installed('@tensorflow/tfjs-node-gpu') ? ' (for @tensorflow/tfjs-node-gpu add --cuda)' : '';
    throw new InstallError(
      'package',
      `${packageName} is not installed; run \`npm install --ignore-scripts ${packageName}\` first${other}`,
    );
  }
  const driver = visibleGpuDriver() !== undefined;
  const { cudaLibraries = driver, signal, onProgress = () => {}, onNote = () => {} } = options;
  if (cuda && !cudaLibraries) {
    onNote(
      `${driver ? '' : 'no NVIDIA driver is visible; '}NVIDIA's CUDA libraries are left out, and TensorFlow will run ` +
        'on the processor (--cuda-libraries fetches them)',
    );
  }
  return {
    packageName,
    packageVersion: found.version,
    packageFolder: found.folder,
    library: libraryOf(packageName),
    cudaLibraries: cuda && cudaLibraries,
    cache: cacheFolder(),
    cacheIsChosen: cacheVariable(process.env) !== undefined,
    env: process.env,
    signal,
    report: onProgress,
    note: onNote,
    freeBytes,
    ownInstallerTime: 5 * 60_000,
  };
}

/**
 * `installNative` with all settings given. Tests call it with settings of their own, such as small wheels.
 *
 * @internal
 */
export async function install(settings: Settings): Promise<InstallResult> {
  try {
    return await installOneWay(settings);
  } catch (error) {
    throw await asInstallError(error, settings);
  }
}

async function installOneWay(settings: Settings): Promise<InstallResult> {
  demandTrustedCache(settings.cache);
  if (existsSync(bindingOf(settings.packageFolder))) {
    const answer = await tryWhatIsThere(settings);
    if (answer.runs && !lacksCudaLibraries(settings)) {
      await makePiecesReadable(settings);
      return result(settings, await withOp(settings, answer), 'already there');
    }
    if (!answer.runs) settings.note(`the present binding cannot be used (${answer.why}); making a new one`);
  } else {
    const broken = await brokenLink({ name: settings.packageName, folder: settings.packageFolder });
    if (broken) settings.note(`${broken.what}; making a new one`);
  }
  // The wheel is tried before tfjs-node's own installer because its checksum is known, its TensorFlow is newer (the
  // installer fetches 2.9.1, from a host that many networks do not reach), and it has the headers that the op needs.
  let failure: InstallError;
  try {
    return result(settings, await withOp(settings, await installWheel(settings)), 'wheel');
  } catch (error) {
    failure = await asInstallError(error, settings);
    if (!ownInstallerMayHelp.has(failure.code)) throw failure;
  }
  settings.note(failure.message);
  settings.note(`trying ${settings.packageName}'s own installer`);
  try {
    await locked(settings, () => runOwnInstaller(settings));
    return result(settings, await withOp(settings, await demandRunning(settings)), "tfjs-node's installer");
  } catch (error) {
    const second = await asInstallError(error, settings);
    if (second.code === 'interrupted') throw second;
    settings.note(second.message);
    throw failure;
  }
}

/** Failures with the wheel after which tfjs-node's own installer may still succeed. */
const ownInstallerMayHelp = new Set(['platform', 'python', 'pip', 'network', 'compiler']);

function locked<T>({ cache, signal, note }: Settings, work: () => Promise<T>): Promise<T> {
  const onWait = (pid: string) => note(`another softseg installation (process ${pid}) is running; waiting for it`);
  return withLock(cache, { signal, onWait }, work);
}

async function installWheel(settings: Settings): Promise<Running> {
  const library = demandPlatform(settings.library, settings.cudaLibraries);
  const { cache, note } = settings;
  await demandPlaces(settings);
  return locked(settings, async () => {
    await cleanUp(cache);
    const cached = cachedBinding(cache, { name: settings.packageName, version: settings.packageVersion }, library);
    const folder = dirname(cached);
    const bring = async (full: boolean) => {
      const isCached = await isWhole('the binding in the cache', folder, settings);
      // Check for a compiler before the large download.
      const compilers = isCached ? [] : await findCompilers(settings);
      await bringLibrary(library, settings, full);
      if (settings.cudaLibraries) await bringCudaLibraries(library, settings, full);
      if (!isCached) await compileBinding(compilers, library, cached, settings);
      await linkBinding(cached, bindingOf(settings.packageFolder));
      return tryBinding(settings);
    };
    const wasCached = existsSync(cached);
    let answer = await bring(false);
    if (!answer.runs && wasCached) {
      note(`the binding in the cache does not run (${answer.why}); making it again, and checking all that it needs`);
      answer = await withoutFolder(folder, () => bring(true));
    } else if (!answer.runs) {
      await rm(folder, { recursive: true }); // left there, it would be linked by load()
    }
    return running(answer, settings);
  });
}

/**
 * Compiles softseg's op if it is missing or does not run. A failure is only reported, because without the op everything
 * works, only slower.
 */
async function withOp(settings: Settings, answer: Running): Promise<Running> {
  if (answer.kernels !== 'composed' || answer.device === 'cuda') return answer;
  const home = homeOf(packageOf(settings), settings.library);
  if (!home) {
    if (settings.library) settings.note(aboutKernels + foreignLibrary(bindingOf(settings.packageFolder)));
    return answer;
  }
  const { cache, library } = home;
  const op = cachedOp(cache, library);
  const folder = dirname(op);
  try {
    return await locked(settings, async () => {
      await cleanUp(cache);
      const make = async () => {
        await compileOp(library, op, { ...settings, cache });
        const made = running(await tryBinding(settings), settings);
        if (made.kernels !== 'composed') return made;
        throw new InstallError('binding', `softseg's op was compiled but does not run: ${reasonOf(made)}`);
      };
      if (await isWhole("softseg's op in the cache", folder, settings)) {
        // Either another run has made it meanwhile, or it does not run.
        const again = running(await tryBinding(settings), settings);
        if (again.kernels !== 'composed') return again;
        settings.note(`softseg's op in the cache does not run (${reasonOf(again)}); compiling it again`);
        return withoutFolder(folder, make);
      }
      return make().catch(async (error: unknown) => {
        await rm(folder, { recursive: true, force: true });
        throw error;
      });
    });
  } catch (error) {
    const failure = await asInstallError(error, settings);
    if (failure.code === 'interrupted') throw failure;
    settings.note(`${aboutKernels}${failure.message}; without them the losses give the same values but are slower`);
    return answer;
  }
}

const packageOf = ({ packageName: name, packageVersion: version, packageFolder: folder }: Settings) => ({
  name,
  version,
  folder,
});

const reasonOf = ({ reasons }: Running): string =>
  reasons.find((line) => line.startsWith(aboutKernels))?.slice(aboutKernels.length) ?? 'no reason given';

async function bringLibrary(library: Library, settings: Settings, full: boolean): Promise<void> {
  const target = join(settings.cache, library.key);
  if (await isWhole("TensorFlow's library", target, settings, full)) return;
  await bringWheel(library.wheel, settings, async (folder) => {
    for (const file of library.files) {
      if (!existsSync(join(folder, file)))
        throw new InstallError('unpack', `${library.wheel.file} does not contain ${file}`);
    }
    await placeFolder(library.wheel.name, folder, target, settings);
  });
}

async function bringCudaLibraries(library: Library, settings: Settings, full: boolean): Promise<void> {
  const parent = join(settings.cache, library.key, 'nvidia');
  const missing: Library['cuda'] = [];
  for (const piece of library.cuda) {
    const { folder } = piece;
    if (!(await isWhole(`NVIDIA's ${folder}`, join(parent, folder), settings, full))) missing.push(piece);
  }
  const bytes = missing.reduce((sum, { wheel }) => sum + wheel.bytes, 0);
  if (missing.length > 0)
    settings.note(`fetching ${missing.length} of NVIDIA's CUDA libraries, ${sizeOf(bytes)} in total`);
  const room = missing.reduce(
    (sum, { wheel }) => sum + wheel.unpacked,
    Math.max(0, ...missing.map((m) => m.wheel.bytes)),
  );
  if (missing.length > 0) await demandSpace(settings.cache, room, settings.freeBytes);
  for (const { folder, wheel } of missing) {
    await bringWheel(wheel, settings, (unpacked) =>
      placeFolder(wheel.name, join(unpacked, 'nvidia', folder), join(parent, folder), settings),
    );
  }
}

const lacksCudaLibraries = ({ cudaLibraries, library, cache, packageFolder }: Settings): boolean =>
  cudaLibraries &&
  library !== undefined &&
  // A binding that lies outside the cache has its libraries outside it too.
  existsSync(cache) &&
  realpathSync(bindingOf(packageFolder)).startsWith(realpathSync(cache)) &&
  library.cuda.some(({ folder }) => !existsSync(join(cache, library.key, 'nvidia', folder)));

/** Makes the installed pieces readable for all users; a umask may have prevented that when they were made. */
async function makePiecesReadable(settings: Settings): Promise<void> {
  const home = homeOf(packageOf(settings), settings.library);
  const op = home && opOf(home);
  for (const { folder } of home ? [...piecesOf(home), ...(op ? [op] : [])] : []) await makeReadable(folder);
}

/** True if a folder of the cache exists and is as it was installed. Damage is reported. */
async function isWhole(name: string, folder: string, { note, report, signal }: Settings, full = false) {
  if (!existsSync(folder)) return false;
  if (full) report({ step: 'check', label: `checking ${name}` });
  const damage = await damageIn(folder, { signal, full });
  if (damage !== undefined) note(`${name} is damaged: ${damage}; making it again`);
  return damage === undefined;
}

/** Removes what killed runs have left, or puts it back in its place. */
async function cleanUp(cache: string): Promise<void> {
  await removeStaleStaging(cache);
  await putBackKept(cache);
}

/** Throws if others can write to the cache: code in it would not be loaded, so none is put there. */
function demandTrustedCache(cache: string): void {
  let folder = cache;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  if (!statSync(folder).isDirectory()) return; // this is reported later
  const distrusted = whyNotTrusted(folder);
  if (distrusted === undefined) return;
  throw new InstallError(
    'permission',
    `${distrusted}, or set SOFTSEG_CACHE to a folder that only you can write to, because softseg runs code from it`,
  );
}

/** Tries the present binding, unless it is known to be damaged. */
async function tryWhatIsThere(settings: Settings): Promise<ProbeAnswer> {
  const found = packageOf(settings);
  const fault = await faultOfBinding(found, settings.library);
  if (fault !== undefined) return { runs: false, why: fault.why };
  // `elsewhere` has its links resolved, so the chosen folder is compared with its links resolved too.
  const elsewhere = homeOf(found, settings.library)?.cache;
  if (settings.cacheIsChosen && elsewhere !== undefined && elsewhere !== realPath(settings.cache)) {
    return { runs: false, why: `it is in ${elsewhere}, and SOFTSEG_CACHE is ${settings.cache}` };
  }
  return tryBinding(settings);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // it does not exist yet
  }
}

/** Tries the binding, and the op if there is an undamaged one. */
async function tryBinding(settings: Settings): Promise<ProbeAnswer> {
  const { packageFolder, env, signal, report, library } = settings;
  report({ step: 'try', label: "trying TensorFlow's library" });
  const found = packageOf(settings);
  const op = usableOp(found, library);
  const answer = await probe(op === undefined ? ['package', packageFolder] : ['package', packageFolder, op], {
    env,
    signal,
  });
  await noteTrial(found, op, answer, library);
  return answer;
}

const demandRunning = async (settings: Settings) => running(await tryBinding(settings), settings);

type Running = ProbeAnswer & { runs: true };

function running(answer: ProbeAnswer, { packageName }: Settings): Running {
  if (answer.runs) return answer;
  throw new InstallError(
    'binding',
    `${packageName}'s binding was compiled but does not run: ${answer.why}; ` +
      '`npx softseg doctor` shows which backends run',
  );
}

function result(settings: Settings, answer: Running, by: InstallResult['by']): InstallResult {
  return {
    package: settings.packageName,
    version: answer.version,
    device: answer.device === 'cuda' ? 'cuda' : 'cpu',
    by,
    binding: bindingOf(settings.packageFolder),
    kernels: answer.kernels,
  };
}

async function asInstallError(error: unknown, settings: Settings): Promise<InstallError> {
  if (error instanceof InstallError) return error;
  const explained = await explainFileError(error, settings);
  return explained ?? new InstallError('binding', `the installation failed: ${messageOf(error)}; run it again`);
}
