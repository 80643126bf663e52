import { MOST_PIXELS } from '../shared/png.js';

/** Refuses an image that says it is larger than can be; decoders would believe it. */
export const checkSize = (width: number, height: number): void => {
  if (!(width > 0 && height > 0 && width * height <= MOST_PIXELS)) {
    throw new Error(`it has ${width}x${height} pixels, and must have 1 to ${MOST_PIXELS}`);
  }
};

/** Refuses a BMP or GIF that says it is larger than can be. (The decoder of JPEG does so itself.) */
export const checkClaimedSize = (bytes: Buffer): void => {
  const start = bytes.toString('latin1', 0, 4);
  if (start.startsWith('BM')) checkSize(bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22)));
  if (start === 'GIF8') checkSize(bytes.readUInt16LE(6), bytes.readUInt16LE(8));
};
