/** Decodes one image after the other in a thread of its own, which may be ended; see decode.ts. */
import { parentPort } from 'node:worker_threads';
import { Jimp } from 'jimp';
import type { Decoded } from './decode.js';

// The decoder of GIFs says so where pixels are missing, and goes on.
console.log = (text: string) => {
  throw new Error(text);
};

const decoded = async (bytes: Uint8Array): Promise<Decoded> => {
  const { width, height, data } = (await Jimp.read(Buffer.from(bytes))).bitmap;
  if (data.length !== 4 * width * height) throw new Error(`it has not all of ${width}x${height} pixels`);
  return { width, height, data: Uint8Array.from(data) };
};

parentPort!.on('message', (bytes: Uint8Array) => {
  decoded(bytes).then(
    (image) => parentPort!.postMessage(image),
    // Some decoders throw no errors but single letters.
    (error: unknown) => parentPort!.postMessage({ error: error instanceof Error ? error.message : 'it is damaged' }),
  );
});
