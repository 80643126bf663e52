import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackendError, InstallError } from 'softseg/node';
import { type BackendName, BACKENDS, startBackend } from './backend.js';
import { DataError, linesOf, UsageError } from './errors.js';
import { type Description, flag, helpOf, one, oneOf, readOptions, text } from './options.js';
import { complain, say } from './output.js';
import { makeFolder } from './write.js';

/** The options of an example. */
export interface Run {
  /** Only a few steps on small images, to see that everything works. */
  quick: boolean;
  /** The folder for its picture and other output. */
  out: string;
}

interface Flags {
  quick: boolean;
  backend?: BackendName;
  out?: string;
}

const description = (name: string): Description<Flags> => ({
  usage: `npm run example -- ${name} [options]`,
  about: 'Trains a small network, prints its scores and writes a picture.',
  options: {
    quick: flag('a few steps on small images, to see that all works'),
    backend: one(
      'NAME',
      `${BACKENDS.join(', ')} (default: auto, which is native, or wasm where native cannot be installed)`,
      oneOf(BACKENDS),
    ),
    out: one('DIR', 'folder for the picture (default: examples/out)', text),
  },
});

/**
 * Every example begins with this: it reads the options and starts the backend. A wrong call ends here, with one line.
 * `hints.wasm` says how long a slow example takes on that backend.
 */
export const start = async (name: string, hints: { wasm?: string } = {}): Promise<Run> => {
  try {
    const flags = readOptions(description(name), process.argv.slice(2));
    if (flags === 'help') {
      say(...helpOf(description(name)));
      process.exit(0);
    }
    const { quick, backend = 'auto', out = join(fileURLToPath(import.meta.url), '../../../out') } = flags;
    makeFolder(out);
    const { engine, notes } = await startBackend(backend);
    process.once('SIGINT', () => process.exit(130));
    say(`${name}: backend ${engine.backend} on ${engine.device}, version ${engine.version}`);
    const hint = engine.backend === 'wasm' && !quick && hints.wasm ? [`on wasm this takes ${hints.wasm}`] : [];
    for (const note of [...notes, ...hint]) say(`  ${note}`);
    return { quick, out };
  } catch (error) {
    if (![UsageError, DataError, BackendError, InstallError].some((kind) => error instanceof kind)) throw error;
    complain(...linesOf(error));
    process.exit(error instanceof UsageError ? 2 : 1);
  }
};
