import { join } from 'node:path';
import { withStaging } from './cache.js';
import { compileAddon, findCompilers, linkArguments } from './compile.js';
import { InstallError } from '../system/errors.js';
import { nodeApiHeaders, opSources } from '../system/paths.js';
import type { Settings } from './settings.js';
import { forThisProcessor, opFiles, opFlags } from './op.js';
import { placeAddon } from './placeFolder.js';
import { lastWords } from '../system/processes.js';
import type { Library } from './pinnedWheels.js';

/** Compiles softseg's op against the library in `settings.cache`, and moves it to `target`. */
export async function compileOp(library: Library, target: string, settings: Settings): Promise<void> {
  const compilers = await findCompilers(settings);
  let words = '';
  for (const compiler of compilers) {
    // A compiler may not know the processor that it runs on, so it is tried without that flag too.
    for (const flags of [[...opFlags, forThisProcessor], opFlags]) {
      const done = await withStaging(settings.cache, async (folder) => {
        const failure = await compileWith(compiler, flags, library, folder, settings);
        if (failure !== undefined) {
          words ||= `${compiler.join(' ')} said ${lastWords(failure)}`;
          return false;
        }
        await placeAddon(join(folder, 'softseg_op.node'), target, settings);
        return true;
      });
      if (done) return;
    }
  }
  throw new InstallError('compiler', `softseg's op does not compile: ${words}`);
}

/** Returns undefined, or the compiler's output if it failed. */
async function compileWith(
  compiler: string[],
  flags: string[],
  library: Library,
  folder: string,
  settings: Settings,
): Promise<string | undefined> {
  const root = join(settings.cache, library.key);
  return compileAddon(compiler, folder, settings, {
    label: `compiling softseg's op with ${compiler[0]}`,
    sources: opFiles()
      .filter((file) => file.endsWith('.cc'))
      .map((file) => join(opSources, file)),
    flags,
    headers: [nodeApiHeaders, join(root, 'tensorflow', 'include')],
    link: (objects) => ['-pthread', ...linkArguments(objects, 'softseg_op.node', library, root)],
  });
}
