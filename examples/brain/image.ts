import type { DecodedPng } from 'fast-png';
import { DataError, message } from '../shared/errors.js';
import { isPng, readPng } from '../shared/png.js';
import { readWhole } from '../shared/read.js';
import { decodeOther } from './decode.js';

/** An image as the numbers its file holds, in the order row, column, channel. */
export interface Pixels {
  width: number;
  height: number;
  /** 1 grey or palette indices, 3 colour. An alpha channel is dropped. */
  channels: number;
  values: ArrayLike<number>;
  /** The value of white: 255 for 8 bit. */
  white: number;
}

export const IMAGE_NAME = /\.(png|jpe?g|bmp|gif|tiff?)$/i;

/** One number an entry: PNG packs several entries of less than 8 bit into a byte, each row from a new byte. */
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
    : Uint16Array.from({ length: (values.length / channels) * kept }, (_, i) => {
        return values[Math.floor(i / kept) * channels + (i % kept)]!;
      });

const isGrey = (values: ArrayLike<number>, channels: number) => {
  for (let i = 0; i < values.length; i += channels) {
    if (values[i] !== values[i + 1] || values[i] !== values[i + 2]) return false;
  }
  return true;
};

/** Colour with equal channels becomes grey; alpha goes. */
const simplest = (values: ArrayLike<number>, channels: number) => {
  const kept = channels < 3 || isGrey(values, channels) ? 1 : 3;
  return { channels: kept, values: firstChannels(values, channels, kept) };
};

const throughPalette = (indices: ArrayLike<number>, palette: readonly number[][]) =>
  Uint8Array.from({ length: indices.length * 3 }, (_, i) => palette[indices[Math.floor(i / 3)]!]?.[i % 3] ?? 0);

const fromPng = (bytes: Buffer, keepIndices: boolean): Pixels => {
  const png = readPng(bytes);
  const { width, height, palette } = png;
  const values = unpack(png);
  if (!palette) return { width, height, ...simplest(values, png.channels), white: 2 ** png.depth - 1 };
  if (keepIndices) return { width, height, channels: 1, values, white: 255 };
  return { width, height, ...simplest(throughPalette(values, palette), 3), white: 255 };
};

const fromOther = async (bytes: Buffer): Promise<Pixels> => {
  const { width, height, data } = await decodeOther(bytes);
  return { width, height, ...simplest(data, 4), white: 255 };
};

/** Reads an image file. Of a PNG with a palette `keepIndices` gives the indices, not the colours. */
export const readPixels = async (path: string, keepIndices = false): Promise<Pixels> => {
  const bytes = readWhole(path);
  try {
    return isPng(bytes) ? fromPng(bytes, keepIndices) : await fromOther(bytes);
  } catch (error) {
    throw new DataError(`${path}: cannot be read as an image (${message(error).split('\n')[0]})`);
  }
};
