/** Refuses BMPs, GIFs and JPEGs for which the decoder would silently give wrong numbers. */
import type { Use } from './image.js';

const [BITS_AT, COMPRESSION_AT] = [28, 30];
const [NO_COMPRESSION, BIT_FIELDS, ALPHA_BIT_FIELDS] = [0, 3, 6];

const checkBmp = (bytes: Buffer, use: Use): void => {
  const [bits, compression] = [bytes.readUInt16LE(BITS_AT), bytes.readUInt32LE(COMPRESSION_AT)];
  const refuse = (what: string) => new Error(`it is a BMP ${what}; save it as PNG`);
  if (![NO_COMPRESSION, BIT_FIELDS, ALPHA_BIT_FIELDS].includes(compression)) throw refuse('with compression');
  const exact = [1, 8, 24, 32].includes(bits) && compression === NO_COMPRESSION;
  if (!exact && (use !== 'image' || bits < 16)) throw refuse(`of ${bits} bits a pixel, kind ${compression}`);
};

const [EXTENSION, FRAME] = [0x21, 0x2c];

/** The number of images in a GIF, up to the first damaged part. */
const framesOf = (bytes: Buffer): number => {
  const paletteBytes = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let frames = 0;
  let at = 13 + paletteBytes(bytes[10]!);
  while (bytes[at] === EXTENSION || bytes[at] === FRAME) {
    if (bytes[at] === FRAME) frames++;
    at += bytes[at] === FRAME ? 11 + paletteBytes(bytes[at + 9]!) : 2;
    while (bytes[at]) at += 1 + bytes[at]!;
    at++;
  }
  return frames;
};

const checkGif = (bytes: Buffer): void => {
  const frames = framesOf(bytes);
  if (frames > 1) throw new Error(`it has ${frames} frames; save each as a file of its own`);
};

export const checkOther = (bytes: Buffer, use: Use): void => {
  const start = bytes.toString('latin1', 0, 4);
  if (start.startsWith('BM')) checkBmp(bytes, use);
  else if (start === 'GIF8') checkGif(bytes);
  else if (start.startsWith('\xff\xd8') && use !== 'image') {
    throw new Error('it is a JPEG, which changes the values of labels; save its source as PNG');
  }
};
