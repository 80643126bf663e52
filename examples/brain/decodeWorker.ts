/** Decodes images in a thread of its own, which can be ended: see decode.ts. */
import { parentPort } from 'node:worker_threads';
import { Jimp } from 'jimp';
import type { Decoded } from './decode.js';

// If pixels of a GIF are missing, its decoder only logs that and continues.
console.log = (text: string) => {
  throw new Error(text);
};

const decoded = async (bytes: Uint8Array): Promise<Decoded> => {
  const { width, height, data } = (await Jimp.read(Buffer.from(bytes))).bitmap;
  if (data.length !== 4 * width * height) throw new Error(`some of its ${width}x${height} pixels are missing`);
  return { width, height, data: Uint8Array.from(data) };
};

parentPort!.on('message', (bytes: Uint8Array) => {
  decoded(bytes).then(
    (image) => parentPort!.postMessage(image),
    // Some decoders throw single letters instead of errors.
    (error: unknown) => parentPort!.postMessage({ error: error instanceof Error ? error.message : 'it is damaged' }),
  );
});
