/** Images as a disk or another person may give them to the demo: no crash, no hang, no wrong pixel. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { damaged } from '../damage/damaged.js';
import { eachOf, expectNamed, refusal } from './eachOf.js';
import { chunk, data, END, header, png, SIGNATURE, someRows, type Png } from './pngs.js';

jest.setTimeout(600_000);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'softseg-files-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
function written(bytes: Uint8Array, ending = 'png'): string {
  const path = join(root, `${files++}.${ending}`);
  writeFileSync(path, bytes);
  return path;
}

/** The pixels of an image, and whether their number is the one that it declares. */
const PIXELS = `async ({ readPixels }, path) => {
  const { width, height, channels, values, white } = await readPixels(path, 'image');
  return { width, height, channels, white, all: values.length === width * height * channels, values: [...values] };
}`;

const images = (paths: string[]) => eachOf('brain/image.js', PIXELS, paths);

const grey: Png = { width: 7, height: 5, rows: someRows(5, 7) };
const profile = chunk('iCCP', Buffer.concat([Buffer.from('a\0\0', 'latin1'), deflateSync(Buffer.alloc(100))]));
const palette = chunk('PLTE', Buffer.from([0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 9, 9]));

test('a damaged PNG is refused', () => {
  const kinds: Png[] = [
    grey,
    { width: 7, height: 5, depth: 2, rows: someRows(5, 2) },
    { width: 3, height: 4, depth: 16, rows: someRows(4, 6) },
    { width: 7, height: 3, depth: 2, colour: 3, before: [palette], rows: someRows(3, 2) },
    { width: 3, height: 3, colour: 6, before: [profile], rows: someRows(3, 12) },
    { width: 1, height: 2, interlaced: true, rows: Buffer.from([0, 11, 0, 22]) },
  ];
  const right = images(kinds.map((image) => written(png(image))));
  right.told.forEach((told, i) => {
    expect(told).toMatchObject({ ok: { width: kinds[i]!.width, height: kinds[i]!.height, all: true } });
  });
  const paths = kinds.flatMap((image) => [...damaged(png(image), { some: 60 })].map(({ bytes }) => written(bytes)));
  images(paths).told.forEach((told, i) => expectNamed(told, paths[i]!));
});

describe('a damaged image without checksums is refused, or has as many pixels as it declares', () => {
  const drawn = (mime: string): Buffer => {
    const script = `
      import { Jimp } from 'jimp';
      const image = new Jimp({ width: 9, height: 7, color: 0 });
      for (let i = 0; i < 63; i++) image.bitmap.data.set([(i * 37) % 256, (i * 37) % 256, (i % 3) * 80, 255], 4 * i);
      process.stdout.write(await image.getBuffer('${mime}'));`;
    return execFileSync(process.execPath, ['--input-type=module', '-e', script]);
  };

  test.each([
    ['image/bmp', 'bmp'],
    ['image/gif', 'gif'],
    ['image/tiff', 'tif'],
    ['image/jpeg', 'jpg'],
  ])('%s', (mime, ending) => {
    const right = drawn(mime);
    const paths = [...damaged(right, { some: 60 })].map(({ bytes }) => written(bytes, ending));
    const { told, megabytes } = images([written(right, ending), ...paths]);
    expect(told[0]).toMatchObject({ ok: { width: 9, height: 7, all: true } });
    paths.forEach((path, i) => {
      const { ok } = told[i + 1]!;
      if (ok) expect(ok).toMatchObject({ all: true });
      else expectNamed(told[i + 1]!, path);
    });
    expect(told.filter(({ error }) => error).length).toBeGreaterThan(20);
    expect(megabytes).toBeLessThan(1000);
  });
});

describe('an image with a false header', () => {
  const claiming = (width: number, height: number) => png({ width, height, rows: Buffer.alloc(10) });
  const bomb = Buffer.alloc(4e8);
  const withChunks = (...chunks: Buffer[]) => Buffer.concat([SIGNATURE, ...chunks]);
  const bmp = (width: number, height: number) => {
    const bytes = Buffer.alloc(60);
    bytes.write('BM');
    [60, 0, 54, 40, width, height].forEach((value, i) => bytes.writeInt32LE(value, 2 + 4 * i));
    bytes.writeInt32LE(1 + (24 << 16), 26);
    return bytes;
  };
  const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(7, 0xff)]);
  const tiff = (entries: number[][], next: number) => {
    const bytes = Buffer.alloc(8 + 2 + 12 * entries.length + 4);
    bytes.write('II*\0');
    bytes.writeUInt32LE(8, 4);
    bytes.writeUInt16LE(entries.length, 8);
    entries.forEach(([tag, type, count, value], i) => {
      bytes.writeUInt16LE(tag!, 10 + 12 * i);
      bytes.writeUInt16LE(type!, 12 + 12 * i);
      bytes.writeUInt32LE(count!, 14 + 12 * i);
      bytes.writeUInt32LE(value!, 18 + 12 * i);
    });
    bytes.writeUInt32LE(next, bytes.length - 4);
    return bytes;
  };

  test('is refused before it takes memory', () => {
    const tooMany = 'pixels, more than 67108864';
    const cases: [Buffer, string, string?][] = [
      [claiming(2 ** 31 - 1, 2 ** 31 - 1), `it has 2147483647x2147483647 ${tooMany}`],
      [claiming(60_000, 60_000), `it has 60000x60000 ${tooMany}`],
      [claiming(0, 5), 'it has 0x5 pixels'],
      [claiming(8000, 8000), 'its header says 64008000 bytes of pixels, and it has 10'],
      [png({ ...grey, rows: bomb }), 'Cannot create a Buffer larger than 41 bytes'],
      [png({ ...grey, rows: grey.rows.subarray(0, -1) }), 'its header says 40 bytes of pixels, and it has 39'],
      [png({ ...grey, depth: 4, interlaced: true }), 'it is interlaced, with 4 bits a channel; save it without'],
      [png({ ...grey, colour: 3 }), 'it has no palette'],
      [withChunks(header(grey), END), 'unexpected end of file'],
      [withChunks(header(grey), data(grey.rows)), 'the file ends too early'],
      [withChunks(header(grey), header(grey), data(grey.rows), END), 'it must begin with one header'],
      [withChunks(END), 'it must begin with one header'],
      [Buffer.alloc(0), 'it is empty'],
      [Buffer.from('no image'), 'it is not a PNG, JPEG, BMP, GIF or TIFF'],
      [Buffer.from('RIFF....WEBP'), 'it is not a PNG, JPEG, BMP, GIF or TIFF'],
      [Buffer.from('II+\0\x08\0\0\0'), 'it is a BigTIFF; save it as PNG', 'tif'],
      [bmp(60_000, 60_000), 'it has 60000x60000 pixels, and must have 1 to 67108864', 'bmp'],
      [bmp(5, -(2 ** 31)), 'it has 5x2147483648 pixels, and must have 1 to 67108864', 'bmp'],
      [gif, 'it has 65535x65535 pixels, and must have 1 to 67108864', 'gif'],
      [
        tiff(
          [
            [256, 4, 1, 1e5],
            [257, 4, 1, 1e5],
          ],
          0,
        ),
        'it has 100000x100000 pixels, and must have 1 to 67108864',
        'tif',
      ],
      [tiff([[256, 4, 2 ** 31, 8]], 0), 'its tag 256 is damaged', 'tif'],
      [tiff([[256, 4, 1, 1]], 8), 'it has more than 100 pages', 'tif'],
    ];
    const paths = cases.map(([bytes, , ending]) => written(bytes, ending));
    const { told, megabytes } = images(paths);
    cases.forEach(([, message], i) => {
      expect(told[i]).toEqual(refusal(paths[i]!, `cannot be read as an image (${message})`));
    });
    expect(megabytes).toBeLessThan(500);
  });

  test('is read where no pixel depends on the false part', () => {
    const same = [
      png(grey),
      Buffer.concat([png(grey), Buffer.from('something behind the end')]),
      png({ ...grey, before: [chunk('iCCP', Buffer.concat([Buffer.from('a\0\0'), deflateSync(bomb)]))] }),
      png({ ...grey, before: [chunk('tIME', Buffer.alloc(3))] }),
    ];
    const { told, megabytes } = images(same.map((bytes) => written(bytes)));
    for (const each of told) expect(each).toEqual(told[0]);
    expect(told[0]!.ok).toMatchObject({ values: [...grey.rows].filter((_, i) => i % 8 > 0) });
    expect(megabytes).toBeLessThan(300);
    // A colour image's palette is only a suggestion for old screens, not its own.
    const colour: Png = { width: 2, height: 2, colour: 2, rows: someRows(2, 6) };
    const [plain, suggesting] = images([written(png(colour)), written(png({ ...colour, before: [palette] }))]).told;
    expect(suggesting).toEqual(plain);
    expect(plain!.ok).toMatchObject({ channels: 3 });
  });
});

describe('something other than a file', () => {
  test('is refused, and not waited for', () => {
    const at = (name: string) => join(root, name);
    mkdirSync(at('folder.png'));
    symlinkSync(at('nowhere'), at('dangling.png'));
    symlinkSync('loop.png', at('loop.png'));
    symlinkSync('/dev/zero', at('zero.png'));
    execFileSync('mkfifo', [at('pipe.png')]);
    const names = ['folder.png', 'dangling.png', 'loop.png', 'zero.png', 'pipe.png', 'missing.png'];
    const { told } = images(names.map(at));
    names.forEach((name, i) => expectNamed(told[i]!, at(name)));
    expect(told[4]).toEqual(refusal(at('pipe.png'), 'cannot be read (it is not a file)'));
    const folders = [at('missing'), written(Buffer.alloc(3)), at('loop.png')];
    const layouts = eachOf('brain/folder.js', '({ folderDataset }, path) => folderDataset(path, {})', folders);
    folders.forEach((path, i) => {
      expectNamed(layouts.told[i]!, path);
      expect(layouts.told[i]!.error).toContain('cannot be read as a folder');
    });
  });
});
