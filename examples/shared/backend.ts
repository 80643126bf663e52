import { type Engine, installNative, load, ProgressLine, showOn } from 'softseg/node';
import { message } from './errors.js';

export const BACKENDS = ['auto', 'native', 'wasm'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** The backend in use, and notes on why it is this one. */
export interface Chosen {
  engine: Engine;
  notes: string[];
}

/** Installs TensorFlow's library on this machine; Ctrl-C ends the installation cleanly, and then the program. */
const provision = async () => {
  const line = new ProgressLine();
  const stop = new AbortController();
  const abort = () => stop.abort();
  process.once('SIGINT', abort);
  try {
    await installNative({ onProgress: showOn(line), onNote: (text) => line.note(text), signal: stop.signal });
  } finally {
    line.done();
    process.off('SIGINT', abort);
    if (stop.signal.aborted) process.exit(130);
  }
};

const native = async (): Promise<Engine> => {
  await provision();
  return load('native');
};

/** Starts the wanted backend. `auto` installs the native one if it is missing, and uses wasm if that fails. */
export const startBackend = async (asked: BackendName): Promise<Chosen> => {
  if (asked === 'wasm') return { engine: await load('wasm'), notes: [] };
  if (asked === 'native') return { engine: await load('native').catch(native), notes: [] };
  const engine = await load();
  if (engine.backend === 'tensorflow' || process.env['SOFTSEG_BACKEND']) return { engine, notes: [] };
  try {
    return { engine: await native(), notes: [] };
  } catch (error) {
    return { engine, notes: [`no native backend: ${message(error)}`] };
  }
};
