/**
 * Reads TIFFs whose samples are whole numbers exactly: 1 to 32 bits, in strips or tiles, plain or with lossless
 * compression. (Decoders made for display convert samples to 8 bits, read one page of a stack, and fill in data that
 * are missing.)
 */
import { inflateSync } from 'node:zlib';
import { MOST_PIXELS } from '../shared/png.js';
import { checkSize } from './claimedSize.js';

/** The samples of a TIFF in the order row, column, channel. */
export interface TiffPixels {
  width: number;
  height: number;
  /** Channels of a pixel: 1 or 3, and one more if there is an alpha channel. */
  channels: number;
  samples: Uint8Array | Uint16Array | Uint32Array;
  /** The value of white. */
  white: number;
  /** The colours, of 8 bits, if the samples are indices of a palette. */
  palette?: number[][];
  /** True if 0 is white, so that larger samples are darker. */
  inverted: boolean;
}

/** Bytes of a value by its type. */
const BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const [ASCII, SHORT, LONG] = [2, 3, 4];
const MOST_PAGES = 100;
const MOST_TEXT = 1000;

const TAGS = {
  kind: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  description: 270,
  stripPlaces: 273,
  orientation: 274,
  channels: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  planes: 284,
  predictor: 317,
  palette: 320,
  tileWidth: 322,
  tileHeight: 323,
  tilePlaces: 324,
  tileBytes: 325,
  format: 339,
} as const;
const NAMES = new Map<number, keyof typeof TAGS>();
for (const [name, tag] of Object.entries(TAGS)) NAMES.set(tag, name as keyof typeof TAGS);

type Page = Partial<Record<keyof typeof TAGS, number[]>>;

export const isTiff = (bytes: Buffer): boolean => ['II*\0', 'MM\0*'].includes(bytes.toString('latin1', 0, 4));

const isLittle = (bytes: Buffer) => bytes.toString('latin1', 0, 2) === 'II';

/** The tags of a page that are whole numbers or text, and the position of the next page. */
const pageAt = (bytes: Buffer, start: number): { page: Page; next: number } => {
  const little = isLittle(bytes);
  const read = (at: number, size: number) => (little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size));
  const page: Page = {};
  const end = start + 2 + 12 * read(start, 2);
  for (let entry = start + 2; entry < end; entry += 12) {
    const [tag, type, count] = [read(entry, 2), read(entry + 2, 2), read(entry + 4, 4)];
    const size = BYTES[type] ?? 0;
    const at = count * size > 4 ? read(entry + 8, 4) : entry + 8;
    if (size === 0 || at + count * size > bytes.length) throw new Error(`its tag ${tag} is damaged`);
    const name = NAMES.get(tag);
    if (!name || ![ASCII, SHORT, LONG].includes(type)) continue;
    const length = type === ASCII ? Math.min(count, MOST_TEXT) : count;
    page[name] = Array.from({ length }, (_, i) => read(at + i * size, size));
  }
  return { page, next: read(end, 4) };
};

const pagesOf = (bytes: Buffer): Page[] => {
  const pages: Page[] = [];
  let start = isLittle(bytes) ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4);
  while (start !== 0) {
    if (pages.length === MOST_PAGES) throw new Error(`it has more than ${MOST_PAGES} pages`);
    const { page, next } = pageAt(bytes, start);
    pages.push(page);
    start = next;
  }
  return pages;
};

/** The only page of a TIFF, apart from previews. */
const onlyPage = (bytes: Buffer): Page => {
  const pages = pagesOf(bytes).filter(({ kind = [0] }) => (kind[0]! & 1) === 0);
  // ImageJ sometimes says only in the description that more images follow the first one.
  const description = Buffer.from(pages[0]?.description ?? []).toString('latin1');
  const count = Math.max(pages.length, Number(/^ImageJ=[^]*\nimages=(\d+)/.exec(description)?.[1] ?? 1));
  if (pages.length === 0) throw new Error('it has no page');
  if (count > 1) throw new Error(`it has ${count} pages; save each as a file of its own`);
  return pages[0]!;
};

const short = () => new Error('some of its pixels are missing');

const unpackBits = (data: Buffer, size: number): Buffer => {
  const out = Buffer.alloc(size);
  let [from, to] = [0, 0];
  while (to < size) {
    if (from + 1 >= data.length) throw short();
    const head = data.readInt8(from++);
    if (head >= 0) {
      if (from + head >= data.length) throw short();
      to += data.copy(out, to, from, from + head + 1);
      from += head + 1;
    } else if (head > -128) {
      out.fill(data[from++]!, to, Math.min(size, to + 1 - head));
      to += 1 - head;
    }
  }
  return out;
};

const [CLEAR, END, MOST_CODES] = [256, 257, 4096];

/** The LZW of TIFFs: the first bit of a code is its highest, and codes get longer one code early. */
const unpackLzw = (data: Buffer, size: number): Buffer => {
  const out = Buffer.alloc(size);
  // A code below 256 is a byte. Others stand for the bytes of an earlier code and the byte that followed them.
  const [starts, lengths] = [new Uint32Array(MOST_CODES), new Uint32Array(MOST_CODES)];
  let [bit, to, next] = [0, 0, 0];
  for (let first = true; to < size; first = false) {
    const width = next < 512 ? 9 : next < 1024 ? 10 : next < 2048 ? 11 : 12;
    if (bit + width > 8 * data.length) throw short();
    let code = 0;
    for (let end = bit + width; bit < end; bit++) code = (code << 1) | ((data[bit >> 3]! >> (7 - (bit & 7))) & 1);
    if (code === CLEAR) {
      next = END + 1;
      continue;
    }
    if (first) throw new Error('its compression (LZW) is of an old kind; save it as PNG');
    if (code === END) throw short();
    const begins = to;
    if (code < CLEAR) out[to++] = code;
    else {
      if (code >= next) throw new Error('its compressed data are damaged');
      // Copied byte by byte, because the last byte of the newest code is the first that it writes.
      const end = Math.min(size, to + lengths[code]!);
      for (let from = starts[code]!; to < end; from++) out[to++] = out[from]!;
    }
    if (next < MOST_CODES) [starts[next], lengths[next]] = [begins, to - begins + 1];
    next = Math.min(MOST_CODES, next + 1);
  }
  return out;
};

/** Some programs fill up the last strip with rows outside the image, as all programs do with tiles. */
const inflate = (data: Buffer, size: number, most: number): Buffer => {
  const out = inflateSync(data, { maxOutputLength: most });
  if (out.length < size) throw short();
  return out;
};

const plain = (data: Buffer, size: number): Buffer => {
  if (data.length < size) throw short();
  return data.subarray(0, size);
};

const [NO_COMPRESSION, LZW, DEFLATE, OLD_DEFLATE, PACK_BITS] = [1, 5, 8, 32946, 32773];
const UNPACK = new Map([
  [NO_COMPRESSION, plain],
  [LZW, unpackLzw],
  [DEFLATE, inflate],
  [OLD_DEFLATE, inflate],
  [PACK_BITS, unpackBits],
]);
/** The compressions of fax machines and JPEG, which this file does not read. */
const OTHER_COMPRESSIONS = [2, 3, 4, 6, 7];

const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE] = [0, 1, 2, 3];
const COLOURS = new Map([
  [WHITE_IS_ZERO, 1],
  [BLACK_IS_ZERO, 1],
  [RGB, 3],
  [PALETTE, 1],
]);
const [UNSIGNED, SIGNED, FLOAT] = [1, 2, 3];

/** How the samples of a page are stored. */
interface Layout {
  width: number;
  height: number;
  channels: number;
  bits: number;
  signed: boolean;
  photometric: number;
  compression: number;
  differences: boolean;
}

const sizeOf = (page: Page) => {
  const [width, height] = [page.width?.[0] ?? 0, page.height?.[0] ?? 0];
  checkSize(width, height);
  return { width, height };
};

const layoutOf = (page: Page): Layout => {
  const size = sizeOf(page);
  const one = (name: keyof Page, otherwise: number) => page[name]?.[0] ?? otherwise;
  const refuse = (what: string) => new Error(`${what}; save it as PNG`);
  const photometric = one('photometric', -1);
  const colours = COLOURS.get(photometric);
  const [channels, bits, format] = [one('channels', 1), one('bits', 1), one('format', UNSIGNED)];
  const wide = bits > 32 || ![1, 2, 4, 8, 16, 32].includes(bits);
  if (colours === undefined) throw refuse(`its colours are of kind ${photometric}, not grey, RGB or a palette`);
  if (channels !== colours && channels !== colours + 1) throw refuse(`it has ${channels} channels`);
  if (format === FLOAT) throw new Error(`its samples are floating-point numbers; save it as PNG of 8 or 16 bits`);
  if (format !== UNSIGNED && format !== SIGNED) throw refuse(`its samples are of kind ${format}, not whole numbers`);
  if (page.bits?.some((each) => each !== bits) || wide || (bits < 8 && format === SIGNED)) {
    throw refuse(`it has ${page.bits?.join(', ')} bits a sample`);
  }
  if (one('planes', 1) !== 1 && channels > 1) throw refuse('its channels are in separate planes');
  if (one('fillOrder', 1) !== 1) throw refuse('its bits are in reverse order');
  if (one('orientation', 1) !== 1) throw refuse('it is stored rotated or mirrored');
  const predictor = one('predictor', 1);
  if (predictor !== 1 && (predictor !== 2 || bits < 8)) throw refuse(`its predictor is ${predictor}`);
  const compression = one('compression', NO_COMPRESSION);
  if (!UNPACK.has(compression)) throw refuse(`its compression is of kind ${compression}`);
  const signed = format === SIGNED;
  return { ...size, channels, bits, signed, photometric, compression, differences: predictor === 2 };
};

/** The samples of a strip or tile, whose rows begin with whole bytes. */
const samplesOf = (block: Buffer, columns: number, rows: number, layout: Layout, little: boolean) => {
  const { bits, channels, differences } = layout;
  const perRow = columns * channels;
  const bytesPerRow = Math.ceil((perRow * bits) / 8);
  const samples = new (bits <= 8 ? Uint8Array : bits === 16 ? Uint16Array : Uint32Array)(rows * perRow);
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const read = (row: number, i: number): number => {
    const at = row * bytesPerRow + ((i * bits) >> 3);
    if (bits === 32) return view.getUint32(at, little);
    if (bits === 16) return view.getUint16(at, little);
    return (block[at]! >> (8 - bits - ((i * bits) & 7))) & (2 ** bits - 1);
  };
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < perRow; i++) {
      const before = differences && i >= channels ? samples[row * perRow + i - channels]! : 0;
      samples[row * perRow + i] = read(row, i) + before; // the array takes it modulo 2^bits
    }
  }
  return samples;
};

/** Reads the strips or tiles one by one, into an array that is made after the first one has been read. */
const readBlocks = (bytes: Buffer, page: Page, layout: Layout): TiffPixels['samples'] => {
  const { width, height, channels, bits, compression } = layout;
  const tiled = page.tileWidth !== undefined;
  const [columns, rows] = tiled
    ? [page.tileWidth![0]!, page.tileHeight?.[0] ?? 0]
    : [width, Math.min(height, page.rowsPerStrip?.[0] ?? height)];
  const [places, lengths] = tiled ? [page.tilePlaces, page.tileBytes] : [page.stripPlaces, page.stripBytes];
  if (columns * rows === 0 || columns * rows > MOST_PIXELS) throw new Error(`it has ${columns}x${rows} tiles`);
  const [across, down] = [Math.ceil(width / columns), Math.ceil(height / rows)];
  if (!places || !lengths || places.length < across * down || lengths.length < across * down) throw short();
  const bytesPerRow = Math.ceil((columns * channels * bits) / 8);
  let all: TiffPixels['samples'] | undefined;
  for (let i = 0; i < across * down; i++) {
    const [left, top] = [(i % across) * columns, Math.floor(i / across) * rows];
    const [wide, high] = [Math.min(columns, width - left), Math.min(rows, height - top)];
    const end = places[i]! + lengths[i]!;
    if (end > bytes.length) throw new Error('the file ends too early');
    const block = UNPACK.get(compression)!(bytes.subarray(places[i], end), bytesPerRow * high, bytesPerRow * rows);
    const samples = samplesOf(block, columns, high, layout, isLittle(bytes));
    all ??= new (samples.constructor as Uint32ArrayConstructor)(width * height * channels);
    for (let y = 0; y < high; y++) {
      const row = samples.subarray(y * columns * channels, (y * columns + wide) * channels);
      all.set(row, ((top + y) * width + left) * channels);
    }
  }
  return all!;
};

/** The colours of a palette: all reds, all greens, all blues, of 16 bits; some programs write 8 bits. */
const paletteOf = ({ palette = [] }: Page, bits: number): number[][] => {
  const count = 2 ** bits;
  if (palette.length !== 3 * count) throw new Error('it has no palette');
  const divisor = palette.some((value) => value > 255) ? 257 : 1;
  return Array.from({ length: count }, (_, i) => [0, 1, 2].map((c) => Math.round(palette[c * count + i]! / divisor)));
};

/** True for a TIFF compressed as faxes or JPEGs are, which readTiff cannot read. Refuses files of several pages. */
export const needsOtherDecoder = (bytes: Buffer): boolean => {
  const page = onlyPage(bytes);
  sizeOf(page);
  return page.tileWidth === undefined && OTHER_COMPRESSIONS.includes(page.compression?.[0] ?? NO_COMPRESSION);
};

export const readTiff = (bytes: Buffer): TiffPixels => {
  const page = onlyPage(bytes);
  const layout = layoutOf(page);
  const { width, height, channels, bits, signed, photometric } = layout;
  const samples = readBlocks(bytes, page, layout);
  const white = 2 ** (signed ? bits - 1 : bits) - 1;
  if (signed && samples.some((value) => value > white)) throw new Error('it has negative numbers');
  const inverted = photometric === WHITE_IS_ZERO;
  const palette = photometric === PALETTE ? paletteOf(page, bits) : undefined;
  return { width, height, channels, samples, white, palette, inverted };
};
