import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { withStaging } from './cache.js';
import { InstallError } from '../system/errors.js';
import { nodeApiHeaders } from '../system/paths.js';
import type { Settings } from './settings.js';
import { placeAddon } from './placeFolder.js';
import { lastWords, run } from '../system/processes.js';
import { diskFull } from './python.js';
import type { Library } from './pinnedWheels.js';

/**
 * C++ that is linked into the binding and makes all of TensorFlow's log lines obey TF_CPP_MIN_LOG_LEVEL, which some of
 * them ignore. Without it oneDNN prints a line in every program that loads the library; the only other way to silence
 * that, TF_ENABLE_ONEDNN_OPTS=0, makes convolutions take nearly twice as long. It replaces a function of absl, which is
 * part of TensorFlow: a loaded file's own symbols are found before those of the libraries that it needs. If TensorFlow
 * comes with another version of absl, this function is not called, and the lines are printed.
 */
const quiet = `
#ifdef __linux__
#include <stdlib.h>
namespace absl {
inline namespace lts_20250814 {
enum class LogSeverityAtLeast : int {};
LogSeverityAtLeast MinLogLevel() {
  const char* level = getenv("TF_CPP_MIN_LOG_LEVEL");
  return static_cast<LogSeverityAtLeast>(level ? atoi(level) : 0);
}
}
}
#endif
`;

/** The C++ compilers that run: `CXX` (which may contain options), or if that is not set the usual names. */
export async function findCompilers({ env, signal }: Pick<Settings, 'env' | 'signal'>): Promise<string[][]> {
  const own = env['CXX']?.trim();
  const found: string[][] = [];
  for (const command of own ? [own] : ['g++', 'c++', 'clang++']) {
    const words = command.split(/\s+/);
    const answer = await run(words[0] ?? '', [...words.slice(1), '--version'], { env, signal, timeout: 20_000 }).catch(
      (error) => {
        if (error instanceof InstallError) throw error;
        return undefined;
      },
    );
    if (answer?.code === 0) found.push(words);
  }
  if (found.length > 0) return found;
  throw new InstallError(
    'compiler',
    `${own ? `CXX=${own} does not run` : 'no C++ compiler was found'}, and parts of the native backend have to be ` +
      'compiled; install one (`sudo apt install g++` on Debian and Ubuntu, `xcode-select --install` on macOS) ' +
      'or set CXX to its path',
  );
}

/**
 * Compiles tfjs-node's binding from the sources in its package against TensorFlow's C API, and moves it to `target`.
 * This needs only a compiler: neither node-gyp nor Node's headers.
 */
export async function compileBinding(
  compilers: string[][],
  library: Library,
  target: string,
  settings: Settings,
): Promise<void> {
  const root = join(settings.cache, library.key);
  let words = '';
  for (const compiler of compilers) {
    const done = await withStaging(settings.cache, async (folder) => {
      const failure = await compileWith(compiler, root, library, folder, settings);
      if (failure !== undefined) {
        words = `${compiler.join(' ')} said ${lastWords(failure)}`;
        return false;
      }
      await placeAddon(join(folder, 'tfjs_binding.node'), target, settings);
      return true;
    });
    if (done) return;
  }
  throw new InstallError(
    'compiler',
    `${settings.packageName}'s binding does not compile: ${words}; try another compiler with CXX`,
  );
}

/** Returns undefined, or the compiler's output if it failed. */
async function compileWith(
  compiler: string[],
  root: string,
  library: Library,
  folder: string,
  settings: Settings,
): Promise<string | undefined> {
  const { packageName, packageFolder } = settings;
  await writeFile(join(folder, 'quiet.cc'), quiet);
  const shipped = (name: string) => join(packageFolder, 'binding', name);
  return compileAddon(compiler, folder, settings, {
    label: `compiling ${packageName}'s binding with ${compiler[0]}`,
    sources: [shipped('tfjs_backend.cc'), shipped('tfjs_binding.cc'), join(folder, 'quiet.cc')],
    flags: ['-O2', '-std=c++17', '-fPIC', '-DNAPI_VERSION=8'],
    headers: [nodeApiHeaders, packageFolder, join(root, 'tensorflow', 'include')],
    link: (objects) => linkArguments(objects, 'tfjs_binding.node', library, root),
  });
}

interface Addon {
  label: string;
  sources: string[];
  flags: string[];
  /** Folders of header files. */
  headers: string[];
  link(objects: string[]): string[];
}

/** Compiles the sources in parallel and links them. Returns undefined, or the compiler's output if it failed. */
export async function compileAddon(
  [command = '', ...own]: string[],
  folder: string,
  { env, signal, report }: Pick<Settings, 'env' | 'signal' | 'report'>,
  { label, sources, flags, headers, link }: Addon,
): Promise<string | undefined> {
  const objects = sources.map((path) => `${basename(path)}.o`);
  let steps = 0;
  const step = async (args: string[]) => {
    const { code, output } = await run(command, [...own, ...args], { env, signal, cwd: folder });
    if (code !== 0 && /No space left on device/.test(output)) throw diskFull(folder);
    if (code !== 0) return output;
    report({ step: 'compile', label, fraction: ++steps / (objects.length + 1) });
    return undefined;
  };

  report({ step: 'compile', label, fraction: 0 });
  const include = headers.flatMap((path) => ['-I', path]);
  const compiled = await Promise.all(
    sources.map((path, i) => step([...flags, ...include, '-c', path, '-o', objects[i]!])),
  );
  return compiled.find((output) => output !== undefined) ?? step(link(objects));
}

/** The arguments that link objects into an addon for Node that uses the library in `root`. */
export function linkArguments(objects: string[], output: string, library: Library, root: string): string[] {
  // On macOS an addon is a -bundle whose missing symbols node provides. This was written from the manual and never run.
  const mac = process.platform === 'darwin';
  const shared = mac ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  // First the library's place relative to the addon, for a cache that is moved as a whole; then its absolute path.
  const origin = mac ? '@loader_path' : '$ORIGIN';
  const places = [`${origin}/../${library.key}/tensorflow`, join(root, 'tensorflow')];
  // This makes it an RPATH, because LD_LIBRARY_PATH, which may hold another TensorFlow, is searched before a RUNPATH.
  const tags = mac ? [] : ['-Xlinker', '--disable-new-dtags'];
  const rpath = places.flatMap((path) => ['-Xlinker', '-rpath', '-Xlinker', path]);
  const libraries = library.files.map((file) => join(root, file));
  return [...shared, ...objects, '-o', output, ...libraries, ...tags, ...rpath];
}
