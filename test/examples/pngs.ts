/** PNGs made by hand, valid and invalid ones. */
import { crc32, deflateSync } from 'node:zlib';

export function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

export interface Png {
  width: number;
  height: number;
  depth?: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey with alpha, 6 colour with alpha. */
  colour?: number;
  interlaced?: boolean;
  /** The rows, each after its filter type. */
  rows: Uint8Array;
  /** Chunks between the header and the data. */
  before?: Buffer[];
}

export const header = ({ width, height, depth = 8, colour = 0, interlaced = false }: Png): Buffer => {
  const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colour, 0, 0, interlaced ? 1 : 0]);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  return chunk('IHDR', data);
};

export const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
export const END = chunk('IEND', Buffer.alloc(0));
export const data = (rows: Uint8Array): Buffer => chunk('IDAT', deflateSync(rows));

export const png = (image: Png): Buffer =>
  Buffer.concat([SIGNATURE, header(image), ...(image.before ?? []), data(image.rows), END]);

/** Rows of an image without filters, in which each byte differs from its neighbours. */
export function someRows(height: number, bytesPerRow: number): Buffer {
  const rows = Buffer.alloc(height * (bytesPerRow + 1));
  for (let i = 0; i < rows.length; i++) rows[i] = i % (bytesPerRow + 1) === 0 ? 0 : (37 * i) % 251;
  return rows;
}
