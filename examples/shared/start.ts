import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BackendError, InstallError } from 'softseg/node';
import { type BackendName, BACKENDS, startBackend } from './backend.js';
import { DataError, linesOf, message, UsageError } from './errors.js';
import { complain, say } from './output.js';
import { makeFolder } from './write.js';

/** How an example was called. */
export interface Run {
  /** A few steps on small images, to see that all works. */
  quick: boolean;
  /** Where its picture goes, and what else it writes. */
  out: string;
}

const USAGE = `--quick, --backend ${BACKENDS.join(' | ')}, --out DIR`;

/**
 * What every example begins with: reads its options, and starts the backend. A wrong call ends here, with one line.
 * `hints.wasm` says what the example takes on that backend, where it is slow.
 */
export const start = async (name: string, hints: { wasm?: string } = {}): Promise<Run> => {
  try {
    const { quick, backend, out } = readOptions();
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

const readOptions = (): Run & { backend: BackendName } => {
  const flags = parse();
  const backend = flags.backend ?? 'auto';
  if (!BACKENDS.some((known) => known === backend)) {
    throw new UsageError(`--backend ${backend}: must be one of ${BACKENDS.join(', ')}`);
  }
  const out = flags.out ?? join(fileURLToPath(import.meta.url), '../../../out');
  return { quick: flags.quick ?? false, backend: backend as BackendName, out };
};

const parse = () => {
  const options = { quick: { type: 'boolean' }, backend: { type: 'string' }, out: { type: 'string' } } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(`${message(error).split(/\. |\n/)[0]}; the options are ${USAGE}`);
  }
};
