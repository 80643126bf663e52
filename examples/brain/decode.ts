import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { checkClaimedSize } from './claimedSize.js';

/** A decoded image: four channels of 8 bits. */
export interface Decoded {
  width: number;
  height: number;
  data: Uint8Array;
}

const MOST_SECONDS = 20;
const MOST_MEGABYTES = 1024;

let worker: Worker | undefined;

const start = (): Worker => {
  const started = new Worker(new URL('decodeWorker.js', import.meta.url), {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
  });
  started.unref(); // an idle one does not keep the program running
  started.on('error', () => undefined); // `once` in `answer` rejects; a worker that is being ended needs no answer
  return started;
};

const answer = async (bytes: Buffer, from: Worker): Promise<Decoded | { error: string }> => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 1000 * MOST_SECONDS);
  try {
    from.postMessage(bytes);
    const [decoded] = (await once(from, 'message', { signal: abort.signal })) as [Decoded | { error: string }];
    return decoded;
  } catch (error) {
    void from.terminate();
    worker = undefined;
    throw abort.signal.aborted ? new Error(`decoding it takes more than ${MOST_SECONDS} seconds`) : error;
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Decodes a BMP, GIF, JPEG or TIFF. With some damaged files decoders never end, or take all memory, so they run in a
 * thread that can be ended.
 */
export const decodeOther = async (bytes: Buffer): Promise<Decoded> => {
  checkClaimedSize(bytes);
  worker ??= start();
  const decoded = await answer(bytes, worker);
  if ('error' in decoded) throw new Error(decoded.error);
  return decoded;
};
