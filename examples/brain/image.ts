import type { DecodedPng } from 'fast-png';
import { DataError, message } from '../shared/errors.js';
import { isPng, readPng } from '../shared/png.js';
import { readWhole } from '../shared/read.js';
import { decodeOther } from './decode.js';
import { checkOther } from './otherFormats.js';
import { isTiff, needsOtherDecoder, readTiff } from './tiff.js';

/** An image as the numbers in its file, in the order row, column, channel. */
export interface Pixels {
  width: number;
  height: number;
  /** 1 for grey or palette indices, 3 for colour. An alpha channel is dropped. */
  channels: number;
  values: ArrayLike<number>;
  /** The value of white: 255 for 8 bits. */
  white: number;
}

/** The use of an image file that is read: an image, a mask (0 to white), or numbers (classes, votes). */
export type Use = 'image' | 'mask' | 'numbers';

export const IMAGE_NAME = /\.(png|jpe?g|bmp|gif|tiff?)$/i;

/** A number for each entry. PNG packs entries of less than 8 bits into bytes; each row begins with a new byte. */
const unpack = ({ width, height, depth, channels, data }: DecodedPng): ArrayLike<number> => {
  if (depth >= 8) return data;
  const perRow = width * channels;
  const bytes = Math.ceil((perRow * depth) / 8);
  return Uint8Array.from({ length: height * perRow }, (_, i) => {
    const bit = (i % perRow) * depth;
    return (data[Math.floor(i / perRow) * bytes + (bit >> 3)]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  });
};

/** The first `kept` of each pixel's `channels` entries. */
const firstChannels = (values: ArrayLike<number>, channels: number, kept: number): ArrayLike<number> =>
  channels === kept
    ? values
    : Uint32Array.from({ length: (values.length / channels) * kept }, (_, i) => {
        return values[Math.floor(i / kept) * channels + (i % kept)]!;
      });

const isGrey = (values: ArrayLike<number>, channels: number) => {
  for (let i = 0; i < values.length; i += channels) {
    if (values[i] !== values[i + 1] || values[i] !== values[i + 2]) return false;
  }
  return true;
};

/**
 * Refuses labels with transparent pixels: the labels may be in the alpha channel, which is not read, and programs
 * differ in the values that they give to invisible pixels.
 */
const checkOpaque = (values: ArrayLike<number>, channels: number, opaque: number, use: Use): void => {
  if (use === 'image' || channels === 1 || channels === 3) return;
  for (let i = channels - 1; i < values.length; i += channels) {
    if (values[i] !== opaque) throw new Error('it has transparent pixels; save it as grey, without an alpha channel');
  }
};

/** Colour with equal channels becomes grey, and alpha is dropped. */
const simplest = (values: ArrayLike<number>, channels: number) => {
  const kept = channels < 3 || isGrey(values, channels) ? 1 : 3;
  return { channels: kept, values: firstChannels(values, channels, kept) };
};

/** The colours of indices, with alpha as a fourth channel if the palette has it. */
const throughPalette = (indices: ArrayLike<number>, palette: readonly number[][]) => {
  const channels = palette[0]?.length ?? 3;
  const values = Uint8Array.from({ length: indices.length * channels }, (_, i) => {
    return palette[indices[Math.floor(i / channels)]!]?.[i % channels] ?? 0;
  });
  return { values, channels };
};

interface Stored {
  values: ArrayLike<number>;
  channels: number;
}

const pixelsOf = (width: number, height: number, { values, channels }: Stored, white: number, use: Use): Pixels => {
  checkOpaque(values, channels, white, use);
  return { width, height, ...simplest(values, channels), white };
};

const fromPng = (bytes: Buffer, use: Use): Pixels => {
  const png = readPng(bytes);
  const { width, height, palette } = png;
  const values = unpack(png);
  if (palette && use === 'numbers') return { width, height, channels: 1, values, white: 255 };
  if (palette) return pixelsOf(width, height, throughPalette(values, palette), 255, use);
  return pixelsOf(width, height, { values, channels: png.channels }, 2 ** png.depth - 1, use);
};

const fromTiff = (bytes: Buffer, use: Use): Pixels => {
  const { width, height, channels, samples, white, palette, inverted } = readTiff(bytes);
  checkOpaque(samples, channels, white, use);
  if (palette && use !== 'numbers') {
    const colours = throughPalette(firstChannels(samples, channels, 1), palette);
    return { width, height, ...simplest(colours.values, colours.channels), white: 255 };
  }
  if (use === 'image' && white > 65535) throw new Error('it has 32 bits a sample; save it with 8 or 16');
  if (!inverted) return { width, height, ...simplest(samples, channels), white };
  // Some programs invert such samples and some do not, so the numbers are ambiguous.
  if (use !== 'image') throw new Error('its 0 is white; save it as PNG');
  const turned = firstChannels(samples, channels, 1);
  return { width, height, channels: 1, values: Uint32Array.from(turned, (value) => white - value), white };
};

const fromOther = async (bytes: Buffer, use: Use): Promise<Pixels> => {
  checkOther(bytes, use);
  const { width, height, data } = await decodeOther(bytes);
  return pixelsOf(width, height, { values: data, channels: 4 }, 255, use);
};

/** The first bytes of BMP, GIF and JPEG files. */
const OTHER_FORMATS = ['BM', 'GIF8', '\xff\xd8'];

const decode = async (bytes: Buffer, use: Use): Promise<Pixels> => {
  const start = bytes.toString('latin1', 0, 4);
  if (isPng(bytes)) return fromPng(bytes, use);
  if (isTiff(bytes)) return use === 'image' && needsOtherDecoder(bytes) ? fromOther(bytes, use) : fromTiff(bytes, use);
  if (OTHER_FORMATS.some((format) => start.startsWith(format))) return fromOther(bytes, use);
  if (bytes.length === 0) throw new Error('it is empty');
  if (['II+\0', 'MM\0+'].includes(start)) throw new Error('it is a BigTIFF; save it as PNG');
  throw new Error('it is not a PNG, JPEG, BMP, GIF or TIFF');
};

/** Reads an image file. For numbers it keeps the indices into a palette; otherwise it uses their colours. */
export const readPixels = async (path: string, use: Use = 'image'): Promise<Pixels> => {
  const bytes = readWhole(path);
  try {
    return await decode(bytes, use);
  } catch (error) {
    throw new DataError(`${path}: cannot be read as an image (${message(error).split('\n')[0]})`);
  }
};
