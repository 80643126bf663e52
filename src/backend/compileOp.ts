import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withStaging } from './cache.js';
import { findCompilers, linkArguments } from './compile.js';
import { InstallError } from './errors.js';
import { nodeApiHeaders, opSources } from './here.js';
import type { Settings } from './install.js';
import { forThisProcessor, opFiles, opFlags } from './op.js';
import { lastWords, run } from './processes.js';
import type { Library } from './wheels.js';

/** Compiles softseg's op against the library in `settings.cache`, and moves it to `target`. */
export async function compileOp(library: Library, target: string, settings: Settings): Promise<void> {
  const compilers = await findCompilers(settings);
  let words = '';
  for (const compiler of compilers) {
    // Not every compiler knows every processor it runs on.
    for (const flags of [[...opFlags, forThisProcessor], opFlags]) {
      const done = await withStaging(settings.cache, async (folder) => {
        const failure = await compileWith(compiler, flags, library, folder, settings);
        if (failure !== undefined) {
          words ||= `${compiler.join(' ')} said ${lastWords(failure)}`;
          return false;
        }
        await mkdir(dirname(target), { recursive: true });
        await rename(join(folder, 'softseg_op.node'), target);
        return true;
      });
      if (done) return;
    }
  }
  throw new InstallError('compiler', `softseg's op does not compile: ${words}`);
}

/** Undefined, or the compiler's words on what went wrong. */
async function compileWith(
  [command = '', ...own]: string[],
  flags: string[],
  library: Library,
  folder: string,
  { cache, env, signal, report }: Settings,
): Promise<string | undefined> {
  const label = `compiling softseg's op with ${command}`;
  const root = join(cache, library.key);
  const sources = opFiles().filter((file) => file.endsWith('.cc'));
  const objects = sources.map((file) => `${file}.o`);
  let steps = 0;
  const step = async (args: string[]) => {
    const { code, output } = await run(command, [...own, ...args], { env, signal, cwd: folder });
    if (code !== 0) return output;
    report({ step: 'compile', label, fraction: ++steps / (objects.length + 1) });
    return undefined;
  };

  report({ step: 'compile', label, fraction: 0 });
  const headers = [nodeApiHeaders, join(root, 'tensorflow', 'include')].flatMap((path) => ['-I', path]);
  const compiled = await Promise.all(
    sources.map((file, i) => step([...flags, ...headers, '-c', join(opSources, file), '-o', objects[i]!])),
  );
  const failure = compiled.find((output) => output !== undefined);
  if (failure !== undefined) return failure;
  return step(['-pthread', ...linkArguments(objects, 'softseg_op.node', library, root)]);
}
