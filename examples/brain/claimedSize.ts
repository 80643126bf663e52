import { MOST_PIXELS } from '../shared/png.js';

/** Bytes of a value of a TIFF by its type. */
const TIFF_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const [NEXT, WIDTH, HEIGHT, STRIP_PLACES, STRIP_BYTES] = [0, 256, 257, 273, 279] as const;
const MOST_PAGES = 100;

/** The tags of a page of a TIFF that are whole numbers, and the place of the next page as tag 0. */
const tagsOf = (bytes: Buffer, read: (at: number, size: number) => number, start: number): Map<number, number[]> => {
  const tags = new Map<number, number[]>();
  const end = start + 2 + 12 * read(start, 2);
  for (let entry = start + 2; entry < end; entry += 12) {
    const [tag, type, count] = [read(entry, 2), read(entry + 2, 2), read(entry + 4, 4)];
    const size = TIFF_BYTES[type] ?? 0;
    const at = count * size > 4 ? read(entry + 8, 4) : entry + 8;
    if (size === 0 || at + count * size > bytes.length) throw new Error(`its tag ${tag} is damaged`);
    if (type === 3 || type === 4)
      tags.set(
        tag,
        Array.from({ length: count }, (_, i) => read(at + i * size, size)),
      );
  }
  return tags.set(NEXT, [read(end, 4)]);
};

const sizeOfTiff = (bytes: Buffer): [number, number] => {
  const little = bytes.toString('latin1', 0, 2) === 'II';
  const read = (at: number, size: number) => (little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size));
  let [width, height] = [0, 0];
  let start = read(4, 4);
  for (let page = 0; start !== 0; page++) {
    if (page === MOST_PAGES) throw new Error(`it has more than ${MOST_PAGES} pages`);
    const tags = tagsOf(bytes, read, start);
    const lengths = tags.get(STRIP_BYTES) ?? [];
    const ends = (tags.get(STRIP_PLACES) ?? []).map((place, i) => place + (lengths[i] ?? 0));
    if (ends.some((end) => end > bytes.length)) throw new Error('the file ends too early');
    width = Math.max(width, tags.get(WIDTH)?.[0] ?? 0);
    height = Math.max(height, tags.get(HEIGHT)?.[0] ?? 0);
    start = tags.get(NEXT)![0]!;
  }
  return [width, height];
};

const sizeOf = (bytes: Buffer): [number, number] | null => {
  const start = bytes.toString('latin1', 0, 4);
  if (start.startsWith('BM')) return [bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22))];
  if (start === 'GIF8') return [bytes.readUInt16LE(6), bytes.readUInt16LE(8)];
  return ['II*\0', 'MM\0*'].includes(start) ? sizeOfTiff(bytes) : null;
};

/** Refuses a BMP, GIF or TIFF that says it is larger than can be; decoders would believe it. (That of JPEG does not.) */
export const checkClaimedSize = (bytes: Buffer): void => {
  const [width, height] = sizeOf(bytes) ?? [1, 1];
  if (!(width > 0 && height > 0 && width * height <= MOST_PIXELS)) {
    throw new Error(`it has ${width}x${height} pixels, and must have 1 to ${MOST_PIXELS}`);
  }
};
