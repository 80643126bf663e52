/** TIFFs made by hand, of every kind that the demo reads and some kinds that it must refuse. */
import { deflateSync } from 'node:zlib';

type Compression = 'none' | 'lzw' | 'deflate' | 'packbits';
const COMPRESSIONS = { none: 1, lzw: 5, deflate: 8, packbits: 32773 };

export interface Tiff {
  width: number;
  height: number;
  /** The samples in the order row, column, channel. */
  samples: ArrayLike<number>;
  bits?: number;
  channels?: number;
  compression?: Compression;
  bigEndian?: boolean;
  /** Store differences between neighbours instead of samples. */
  differences?: boolean;
  rowsPerStrip?: number;
  /** Width and height of tiles. */
  tile?: [number, number];
  /** Tags to add or to replace, as shorts. */
  tags?: Record<number, number[]>;
  /** Bytes to store in the only strip instead of the samples. */
  strip?: Buffer;
  /** How often to store the page. */
  pages?: number;
  description?: string;
}

/** LZW as the TIFF specification has it: a table of strings, cleared when it is full. */
function lzw(bytes: Buffer): Buffer {
  let bits = '';
  let table = new Map<string, number>();
  let next = 258;
  const emit = (code: number) => {
    bits += code.toString(2).padStart(next < 512 ? 9 : next < 1024 ? 10 : next < 2048 ? 11 : 12, '0');
  };
  const codeOf = (text: string) => (text.length === 1 ? text.charCodeAt(0) : table.get(text)!);
  emit(256);
  let held = '';
  for (const byte of bytes) {
    const longer = held + String.fromCharCode(byte);
    if (longer.length === 1 || table.has(longer)) {
      held = longer;
      continue;
    }
    emit(codeOf(held));
    table.set(longer, next++);
    if (next === 4094) {
      emit(256);
      table = new Map();
      next = 258;
    }
    held = longer.at(-1)!;
  }
  emit(codeOf(held));
  next++;
  emit(257);
  return Buffer.from(bits.match(/.{1,8}/g)!.map((byte) => parseInt(byte.padEnd(8, '0'), 2)));
}

/** PackBits: runs of one byte as runs, the rest as literals of one or two bytes. */
function packbits(bytes: Buffer): Buffer {
  const out: number[] = [];
  for (let i = 0; i < bytes.length;) {
    let run = 1;
    while (run < 128 && bytes[i + run] === bytes[i]) run++;
    if (run > 1) out.push(257 - run, bytes[i]!);
    else if (i + 1 < bytes.length) out.push(1, bytes[i]!, bytes[i + 1]!);
    else out.push(0, bytes[i]!);
    i += run > 1 ? run : 2;
    if (i % 5 === 0) out.push(128); // a no-op in this format
  }
  return Buffer.from(out);
}

const PACK = { none: (bytes: Buffer) => bytes, lzw, deflate: deflateSync, packbits };

/** The samples of a rectangle as bytes, each row starting at a new byte; zeros outside the image. */
function block(image: Tiff, [left, top, columns, rows]: [number, number, number, number]): Buffer {
  const { width, height, samples, bits = 8, channels = 1, bigEndian = false, differences = false } = image;
  const at = (y: number, x: number, c: number) =>
    y < height && x < width ? samples[(y * width + x) * channels + c]! : 0;
  const out: Buffer[] = [];
  for (let y = top; y < top + rows; y++) {
    const values: number[] = [];
    for (let x = left; x < left + columns; x++) {
      for (let c = 0; c < channels; c++) {
        const before = differences && x > left ? at(y, x - 1, c) : 0;
        values.push((((at(y, x, c) - before) % 2 ** bits) + 2 ** bits) % 2 ** bits);
      }
    }
    if (bits < 8) {
      const text = values.map((value) => value.toString(2).padStart(bits, '0')).join('');
      out.push(Buffer.from(text.match(/.{1,8}/g)!.map((byte) => parseInt(byte.padEnd(8, '0'), 2))));
      continue;
    }
    const row = Buffer.alloc((values.length * bits) / 8);
    values.forEach((value, i) => {
      if (bigEndian) row.writeUIntBE(value, (i * bits) / 8, bits / 8);
      else row.writeUIntLE(value, (i * bits) / 8, bits / 8);
    });
    out.push(row);
  }
  return Buffer.concat(out);
}

export function tiff(image: Tiff): Buffer {
  const { width, height, bits = 8, channels = 1, compression = 'none', bigEndian = false, tile, description } = image;
  const rows = image.rowsPerStrip ?? height;
  const rectangles: [number, number, number, number][] = [];
  if (tile) {
    for (let top = 0; top < height; top += tile[1]) {
      for (let left = 0; left < width; left += tile[0]) rectangles.push([left, top, tile[0], tile[1]]);
    }
  } else for (let top = 0; top < height; top += rows) rectangles.push([0, top, width, Math.min(rows, height - top)]);
  const blocks = rectangles.map((rectangle) => image.strip ?? PACK[compression](block(image, rectangle)));
  const number = (value: number, size: 2 | 4) => {
    const bytes = Buffer.alloc(size);
    if (bigEndian) bytes.writeUIntBE(value, 0, size);
    else bytes.writeUIntLE(value, 0, size);
    return bytes;
  };
  const shorts = (...values: number[]) => ({
    type: 3,
    count: values.length,
    data: Buffer.concat(values.map((value) => number(value, 2))),
  });
  const longs = (...values: number[]) => ({
    type: 4,
    count: values.length,
    data: Buffer.concat(values.map((value) => number(value, 4))),
  });
  let at = 8;
  const places = blocks.map(({ length }) => (at += length) - length);
  const tags: Record<number, { type: number; count: number; data: Buffer }> = {
    256: longs(width),
    257: longs(height),
    258: shorts(...Array<number>(channels).fill(bits)),
    259: shorts(COMPRESSIONS[compression]),
    262: shorts(channels >= 3 ? 2 : 1),
    277: shorts(channels),
    ...(tile
      ? {
          322: shorts(tile[0]),
          323: shorts(tile[1]),
          324: longs(...places),
          325: longs(...blocks.map((b) => b.length)),
        }
      : { 273: longs(...places), 278: longs(rows), 279: longs(...blocks.map((b) => b.length)) }),
    ...Object.fromEntries(Object.entries(image.tags ?? {}).map(([tag, values]) => [tag, shorts(...values)])),
  };
  if (description !== undefined) tags[270] = { type: 2, count: description.length, data: Buffer.from(description) };
  if (image.differences) tags[317] ??= shorts(2);
  const entries = Object.entries(tags);
  const parts = [Buffer.from(bigEndian ? 'MM\0*' : 'II*\0', 'latin1'), number(at, 4), ...blocks];
  const { pages = 1 } = image;
  for (let page = 0; page < pages; page++) {
    const end = at + 2 + 12 * entries.length + 4;
    let behind = end;
    const far: Buffer[] = [];
    parts.push(number(entries.length, 2));
    for (const [tag, { type, count, data }] of entries) {
      const inside = Buffer.alloc(4);
      if (data.length <= 4) data.copy(inside);
      parts.push(
        number(Number(tag), 2),
        number(type, 2),
        number(count, 4),
        data.length <= 4 ? inside : number(behind, 4),
      );
      if (data.length > 4) {
        far.push(data);
        behind += data.length;
      }
    }
    parts.push(number(page < pages - 1 ? behind : 0, 4), ...far);
    at = behind;
  }
  return Buffer.concat(parts);
}
