import { crc32, inflateSync } from 'node:zlib';
import { decode, type DecodedPng } from 'fast-png';
import { DataError, message } from './errors.js';
import { readWhole } from './read.js';

/** The largest number of pixels in an image. The network of the demo could not handle more. */
export const MOST_PIXELS = 2 ** 26;

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Channels by colour type; the indices of a palette are one channel. */
const CHANNELS: Partial<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;
/** For each pass of an interlaced image: the first column and row, and the steps between columns and rows. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Chunk {
  type: string;
  data: Buffer;
  /** The data with their length, type and CRC. */
  whole: Buffer;
}

export const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(SIGNATURE);

/** The chunks up to the last one. Each has a CRC, so a changed byte is detected. */
const chunksOf = (bytes: Buffer): Chunk[] => {
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; chunks.at(-1)?.type !== 'IEND'; at += chunks.at(-1)!.whole.length) {
    const end = at + 12 <= bytes.length ? at + 12 + bytes.readUInt32BE(at) : Infinity;
    if (end > bytes.length) throw new Error('the file ends too early');
    const [whole, type] = [bytes.subarray(at, end), bytes.toString('latin1', at + 4, at + 8)];
    if (crc32(whole.subarray(4, -4)) !== bytes.readUInt32BE(end - 4))
      throw new Error(`a chunk is damaged, at byte ${at}`);
    chunks.push({ type, data: whole.subarray(8, -4), whole });
  }
  return chunks;
};

/** The bytes of all rows, each with one more byte for its filter. */
const bytesOfRows = (width: number, height: number, bits: number): number =>
  width > 0 && height > 0 ? height * (1 + Math.ceil((width * bits) / 8)) : 0;

/** Refuses an image whose data do not inflate to exactly the size in its header, before anything of it is decoded. */
const checkSize = (header: Buffer, data: Buffer): void => {
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth, interlaced] = [header[8]!, header[12] === 1];
  const bits = depth * (CHANNELS[header[9]!] ?? 0);
  if (width * height === 0) throw new Error(`it has ${width}x${height} pixels`);
  if (width * height > MOST_PIXELS) throw new Error(`it has ${width}x${height} pixels, more than ${MOST_PIXELS}`);
  if (interlaced && depth < 8) throw new Error(`it is interlaced, with ${depth} bits a channel; save it without`);
  const size = interlaced
    ? PASSES.reduce((sum, [x, y, dx, dy]) => {
        return sum + bytesOfRows(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy), bits);
      }, 0)
    : bytesOfRows(width, height, bits);
  const { length } = inflateSync(data, { maxOutputLength: size + 1 });
  if (length !== size) throw new Error(`its header says ${size} bytes of pixels, and it has ${length}`);
};

/**
 * Decodes a PNG. The decoder gets only the chunks that make the pixels, and only if they fit the header. (By itself it
 * checks no CRC, inflates without a limit, uses the palette that a colour image merely suggests, and reads interlaced
 * images of less than 8 bits wrongly.)
 */
export const readPng = (bytes: Buffer): DecodedPng => {
  const chunks = chunksOf(bytes);
  const [header, ...rest] = chunks;
  if (header!.type !== 'IHDR' || header!.data.length !== 13 || rest.some(({ type }) => type === 'IHDR')) {
    throw new Error('it must begin with one header');
  }
  checkSize(header!.data, Buffer.concat(chunks.flatMap(({ type, data }) => (type === 'IDAT' ? [data] : []))));
  const hasPalette = header!.data[9] === PALETTE;
  if (hasPalette && !chunks.some(({ type }) => type === 'PLTE')) throw new Error('it has no palette');
  const needed = ['IHDR', 'IDAT', 'IEND', ...(hasPalette ? ['PLTE', 'tRNS'] : [])];
  return decode(
    Buffer.concat([SIGNATURE, ...chunks.filter(({ type }) => needed.includes(type)).map(({ whole }) => whole)]),
  );
};

export const readPngFile = (path: string): DecodedPng => {
  const bytes = readWhole(path);
  try {
    if (!isPng(bytes)) throw new Error('it is not a PNG');
    return readPng(bytes);
  } catch (error) {
    throw new DataError(`${path}: cannot be read as an image (${message(error)})`);
  }
};
