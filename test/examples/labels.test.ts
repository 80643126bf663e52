/** Label files: the numbers read are those in the file, or the file is refused. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { damaged } from '../damage/damaged.js';
import { eachOf, expectNamed, refusal } from './eachOf.js';
import { chunk, png, type Png } from './pngs.js';
import { tiff, type Tiff } from './tiffs.js';

jest.setTimeout(600_000);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'softseg-labels-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
function written(bytes: Uint8Array, ending: string): string {
  const path = join(root, `${files++}.${ending}`);
  writeFileSync(path, bytes);
  return path;
}

const USES = ['image', 'mask', 'numbers'] as const;
type Use = (typeof USES)[number];

const readAll = (files: { path: string; use: Use }[]) =>
  eachOf(
    'brain/image.js',
    `async ({ readPixels }, file) => {
      const { width, height, channels, values, white } =
        await readPixels(file.slice(file.indexOf(' ') + 1), file.split(' ')[0]);
      return { width, height, channels, white, values: [...values] };
    }`,
    files.map(({ path, use }) => `${use} ${path}`),
  ).told;

const read = (paths: string[], use: Use) => readAll(paths.map((path) => ({ path, use })));

/** The outcome of reading the bytes, for each use. */
const readFor = (bytes: Buffer, ending: string, uses: readonly Use[] = USES) => {
  const path = written(bytes, ending);
  return { path, told: readAll(uses.map((use) => ({ path, use }))) };
};

/** Samples of `bits` bits, of all magnitudes, with runs of equal ones in between. */
const samplesOf = (count: number, bits: number) =>
  Array.from({ length: count }, (_, i) => (i % 7 < 3 ? 1 : Math.floor((i * 0.618034 * 2 ** bits) % 2 ** bits)));

describe('a TIFF', () => {
  const [width, height] = [37, 23];
  const kinds: Partial<Tiff>[] = [1, 2, 4, 8, 16, 32].flatMap((bits) =>
    (['none', 'lzw', 'deflate', 'packbits'] as const).flatMap((compression) =>
      [false, true].flatMap((bigEndian) => [
        { bits, compression, bigEndian },
        { bits, compression, bigEndian, rowsPerStrip: 5 },
        { bits, compression, bigEndian, tile: [16, 16] as [number, number] },
        ...(bits >= 8 ? [{ bits, compression, bigEndian, differences: true, rowsPerStrip: 4 }] : []),
      ]),
    ),
  );

  test('gives the numbers that it holds, whatever their size', () => {
    const paths = kinds.map((kind) =>
      written(tiff({ width, height, samples: samplesOf(width * height, kind.bits!), ...kind }), 'tif'),
    );
    const told = read(paths, 'numbers');
    kinds.forEach((kind, i) => {
      const values = samplesOf(width * height, kind.bits!);
      expect({ kind, told: told[i] }).toEqual({
        kind,
        told: { ok: { width, height, channels: 1, white: 2 ** kind.bits! - 1, values } },
      });
    });
    expect(kinds.length).toBeGreaterThan(150);
  });

  test('gives its colours, also with 16 bits, and is read with long LZW strings', () => {
    const colours = [8, 16].flatMap((bits) =>
      [3, 4].flatMap((channels) =>
        [false, true].map((differences) => ({ bits, channels, differences, compression: 'lzw' as const })),
      ),
    );
    const big = { width: 120, height: 90 };
    const samples = ({ bits, channels }: { bits: number; channels: number }) =>
      samplesOf(big.width * big.height * channels, bits);
    const paths = colours.map((kind) => written(tiff({ ...big, samples: samples(kind), ...kind }), 'tif'));
    read(paths, 'image').forEach((told, i) => {
      const kind = colours[i]!;
      const values = samples(kind).filter((_, at) => at % kind.channels < 3);
      expect({ kind, told }).toEqual({
        kind,
        told: { ok: { ...big, channels: 3, white: 2 ** kind.bits - 1, values } },
      });
    });
  });

  const grey = { width: 4, height: 3, samples: [0, 1, 2, 3, 0, 1, 2, 3, 5, 5, 5, 5] };
  const palette = [0, 9, 9, 9, 0, 9, 9, 9, 0, 9, 9, 0].map((value) => 257 * value);

  test('gives the indices of a palette as numbers, and its colours for all other uses', () => {
    const indexed = {
      ...grey,
      bits: 2,
      samples: grey.samples.map((value) => value % 4),
      tags: { 262: [3], 320: palette },
    };
    const [image, mask, numbers] = readFor(tiff(indexed), 'tif').told;
    expect(numbers).toMatchObject({ ok: { channels: 1, values: indexed.samples } });
    expect(image).toMatchObject({
      ok: { channels: 3, values: indexed.samples.flatMap((i) => [0, 4, 8].map((c) => palette[c + i]! / 257)) },
    });
    expect(mask).toEqual(image);
  });

  test('with signed numbers is read if none is negative', () => {
    const signed = { ...grey, bits: 16, tags: { 339: [2] } };
    expect(readFor(tiff(signed), 'tif', ['numbers']).told[0]).toMatchObject({
      ok: { white: 32767, values: grey.samples },
    });
    const { path, told } = readFor(tiff({ ...signed, samples: [65535, ...grey.samples.slice(1)] }), 'tif');
    for (const each of told)
      expect(each).toEqual(refusal(path, 'cannot be read as an image (it has negative numbers)'));
  });

  test('in which 0 is white is inverted for an image, and refused for labels', () => {
    const { path, told } = readFor(tiff({ ...grey, tags: { 262: [0] } }), 'tif');
    expect(told[0]).toMatchObject({ ok: { values: grey.samples.map((value) => 255 - value) } });
    const refused = refusal(path, 'cannot be read as an image (its 0 is white; save it as PNG)');
    expect(told.slice(1)).toEqual([refused, refused]);
  });

  const refused: [string, Partial<Tiff>, Use[]?][] = [
    ['it has 3 pages; save each as a file of its own', { pages: 3 }],
    ['it has 7 pages; save each as a file of its own', { description: 'ImageJ=1.54f\nimages=7\nslices=7\n' }],
    ['its samples are floating-point numbers; save it as PNG of 8 or 16 bits', { bits: 32, tags: { 339: [3] } }],
    ['it has 32 bits a sample; save it with 8 or 16', { bits: 32 }, ['image']],
    ['it has 12 bits a sample; save it as PNG', { tags: { 258: [12] } }],
    ['it has 64 bits a sample; save it as PNG', { tags: { 258: [64] } }],
    ['its channels are in separate planes; save it as PNG', { width: 1, height: 3, channels: 4, tags: { 284: [2] } }],
    ['its colours are of kind 5, not grey, RGB or a palette; save it as PNG', { tags: { 262: [5] } }],
    ['it has 4 channels; save it as PNG', { width: 1, channels: 4, tags: { 262: [1] } }],
    ['its bits are in reverse order; save it as PNG', { tags: { 266: [2] } }],
    ['it is stored rotated or mirrored; save it as PNG', { tags: { 274: [6] } }],
    ['its predictor is 3; save it as PNG', { tags: { 317: [3] } }],
    ['its compression is of kind 7; save it as PNG', { tags: { 259: [7] } }, ['mask', 'numbers']],
    ['its compression is of kind 50000; save it as PNG', { tags: { 259: [50000] } }],
    ['it has no palette', { tags: { 262: [3] } }],
    ['some of its pixels are missing', { samples: grey.samples, tags: { 257: [4] } }],
  ];
  test('of an unsupported kind is refused, with advice', () => {
    const cases = refused.flatMap(([message, kind, uses = USES]) => {
      const path = written(tiff({ ...grey, ...kind }), 'tif');
      return uses.map((use) => ({ path, use, message }));
    });
    readAll(cases).forEach((told, i) => {
      expect(told).toEqual(refusal(cases[i]!.path, `cannot be read as an image (${cases[i]!.message})`));
    });
  });

  test('that holds a JPEG is read as an image', () => {
    const script = `
      import { Jimp } from 'jimp';
      process.stdout.write(await new Jimp({ width: 8, height: 8, color: 0xffffffff }).getBuffer('image/jpeg'));`;
    const strip = execFileSync(process.execPath, ['--input-type=module', '-e', script]);
    const jpeg = tiff({ width: 8, height: 8, channels: 3, samples: [], strip, tags: { 259: [7], 262: [6] } });
    expect(readFor(jpeg, 'tif', ['image']).told[0]).toEqual({
      ok: { width: 8, height: 8, channels: 1, white: 255, values: Array<number>(64).fill(255) },
    });
  });

  test('that is damaged is refused, or has as many pixels as it declares', () => {
    for (const compression of ['none', 'lzw', 'deflate', 'packbits'] as const) {
      const whole = tiff({ width: 9, height: 7, bits: 16, samples: samplesOf(63, 4), compression });
      const paths = [...damaged(whole, { some: 60 })].map(({ bytes }) => written(bytes, 'tif'));
      read(paths, 'numbers').forEach((told, i) => {
        const ok = told.ok as { width: number; height: number; channels: number; values: number[] } | undefined;
        if (ok) expect(ok.values).toHaveLength(ok.width * ok.height * ok.channels);
        else expectNamed(told, paths[i]!);
      });
    }
  });
});

/** A BMP with the given rows, each a whole number of bytes; up to 8 bits, with a palette of greys. */
function bmp(bits: number, width: number, rows: number[][], compression = 0): Buffer {
  const colours = bits <= 8 ? 2 ** bits : 0;
  const palette = Array.from({ length: colours }, (_, i) => [i, i, i, 0]).flat();
  const perRow = 4 * Math.ceil((bits * width) / 32);
  const pixels = rows.toReversed().flatMap((row) => [...row, ...Array<number>(perRow - row.length).fill(0)]);
  const head = Buffer.alloc(54);
  head.write('BM');
  [54 + palette.length + pixels.length, 0, 54 + palette.length, 40, width, rows.length].forEach((value, i) =>
    head.writeInt32LE(value, 2 + 4 * i),
  );
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  return Buffer.concat([head, Buffer.from(palette), Buffer.from(pixels)]);
}

/** A GIF of 2x1 pixels, 0 and 1, with a grey palette and the given number of frames. */
const gif = (frames: number) => {
  const frame = [0x2c, 0, 0, 0, 0, 2, 0, 1, 0, 0, 2, 2, 0x44, 0x0a, 0];
  const comment = [0x21, 0xfe, 2, 0x2c, 0x3b, 0];
  return Buffer.from([
    ...Buffer.from('GIF89a'),
    2,
    0,
    1,
    0,
    0x80,
    0,
    0,
    0,
    0,
    0,
    1,
    1,
    1,
    ...comment,
    ...Array<number[]>(frames).fill(frame).flat(),
    0x3b,
  ]);
};

describe('a file of another format', () => {
  test('gives its numbers where it stores them', () => {
    const cases: [Buffer, number[]][] = [
      [bmp(1, 11, [[0b10110100, 0b11100000]]), [1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1]],
      [bmp(8, 5, [[0, 1, 2, 3, 200], [5, 6, 7, 8, 9]]), [0, 1, 2, 3, 200, 5, 6, 7, 8, 9]], // prettier-ignore
      [bmp(24, 2, [[3, 3, 3, 4, 4, 4]]), [3, 4]],
      [bmp(32, 2, [[3, 3, 3, 0, 4, 4, 4, 0]]), [3, 4]],
      [gif(1), [0, 1]],
    ];
    for (const [bytes, values] of cases) {
      for (const each of readFor(bytes, 'any').told) expect(each).toMatchObject({ ok: { channels: 1, values } });
    }
  });

  test('is refused where the decoder would give other numbers', () => {
    const jpeg = Buffer.from('ffd8ffe0', 'hex');
    const cases: [Buffer, string, (readonly Use[])?][] = [
      [bmp(4, 5, [[0x12, 0x34, 0x50]]), 'it is a BMP of 4 bits a pixel, kind 0; save it as PNG'],
      [bmp(8, 5, [[5, 2, 0, 1]], 1), 'it is a BMP with compression; save it as PNG'],
      [bmp(16, 2, [[0x21, 4, 0x42, 8]]), 'it is a BMP of 16 bits a pixel, kind 0; save it as PNG', ['mask', 'numbers']],
      [gif(3), 'it has 3 frames; save each as a file of its own'],
      [jpeg, 'it is a JPEG, which changes the values of labels; save its source as PNG', ['mask', 'numbers']],
    ];
    for (const [bytes, message, uses] of cases) {
      const { path, told } = readFor(bytes, 'png', uses);
      for (const each of told) expect(each).toEqual(refusal(path, `cannot be read as an image (${message})`));
    }
  });
});

type Files = Record<string, Buffer>;

let folders = 0;
/** Makes a folder with label files, and an image for each, and reads it: the labels by file, or the error. */
function dataset(kind: string, labels: Files, images: Files = {}) {
  const dir = join(root, `data${folders++}`);
  for (const folder of ['images', kind]) mkdirSync(join(dir, folder), { recursive: true });
  const names = Object.keys(images).length > 0 ? [] : Object.keys(labels);
  const all = { ...images, ...Object.fromEntries(names.map((name) => [name.replace(/tif$/, 'png'), line(0, 9)])) };
  for (const [name, bytes] of Object.entries(all)) writeFileSync(join(dir, 'images', name), bytes);
  for (const [name, bytes] of Object.entries(labels)) writeFileSync(join(dir, kind, name), bytes);
  const use = `async ({ folderDataset }, dir) => {
    const { train, test } = await folderDataset(dir, {});
    return Object.fromEntries([...train, ...test].map(({ file, labels }) => [file, [...labels]]));
  }`;
  return { at: (name: string) => join(dir, kind, name), dir, told: eachOf('brain/folder.js', use, [dir]).told[0]! };
}

/** A grey PNG of one row. */
const line = (...values: number[]) => png({ width: values.length, height: 1, rows: Buffer.from([0, ...values]) });
const line16 = (...values: number[]) => {
  const rows = Buffer.from([0, ...values.flatMap((value) => [value >> 8, value & 255])]);
  return png({ width: values.length, height: 1, depth: 16, rows });
};
const bit: Png = { width: 2, height: 1, depth: 1, rows: Buffer.from([0, 0b01000000]) };

describe('masks', () => {
  test('are read as 0 and 1, or as 0 to white', () => {
    expect(dataset('masks', { 'a.png': line(0, 1), 'b.png': line(1, 1), 'c.png': line(0, 0) }).told).toEqual({
      ok: { 'a.png': [0, 1], 'b.png': [1, 1], 'c.png': [0, 0] },
    });
    const ok = {
      'a.png': [0, 1],
      'b.png': [0, Math.fround(51 / 255)],
      'c.png': [0, 0],
      'd.png': [0, 1],
      'e.png': [0, 1],
    };
    expect(
      dataset('masks', {
        'a.png': line(0, 255),
        'b.png': line(0, 51),
        'c.png': line(0, 0),
        'd.png': line16(0, 65535),
        'e.png': png(bit),
      }).told,
    ).toEqual({ ok });
  });

  test('that could be either are refused, with the names of the files', () => {
    const mixed = dataset('masks', { 'a.png': line(0, 255), 'b.png': line(0, 1), 'c.png': line(0, 0) });
    const both = `has 1 as its highest value, and ${mixed.at('a.png')} has 255; all must be 0 and 1, or all 0 to white`;
    expect(mixed.told).toEqual(refusal(mixed.at('b.png'), both));
    const faint = dataset('masks', { 'a.png': line(0, 255), 'b.png': line16(0, 255), 'c.png': line16(0, 200) });
    const far = 'has 255 as its highest value, where white is 65535; save it with fewer bits';
    expect(faint.told).toEqual(refusal(faint.at('b.png'), far));
    const wide = tiff({ width: 2, height: 1, bits: 32, samples: [0, 255] });
    const integers = dataset('masks', { 'a.tif': wide, 'b.tif': wide });
    expect(integers.told.error).toContain('has 255 as its highest value, where white is 4294967295');
  });
});

test('names that look the same count as the same, however a system stores their accents', () => {
  const [one, two] = ['\u00e9', 'e\u0301'];
  const images: Files = {};
  const labels: Files = {};
  for (const i of [0, 1]) {
    images[`${i}${one}.png`] = line(0, 9);
    labels[`${i}${two}.png`] = line(0, 3);
  }
  const votes = dataset('votes', labels, images);
  writeFileSync(join(votes.dir, 'manifest.csv'), `file,annotators\n0${two}.png,4\n1${one}.png,5\n`);
  const use = `async ({ folderDataset }, dir) => {
    const { train, test } = await folderDataset(dir, {});
    return [...train, ...test].map(({ annotators, labels }) => [annotators, ...labels]).sort();
  }`;
  expect(eachOf('brain/folder.js', use, [votes.dir]).told[0]).toEqual({
    ok: [
      [4, 0, 3],
      [5, 0, 3],
    ],
  });
  const twice = dataset('masks', { [`0${one}.png`]: line(0, 1), [`0${two}.png`]: line(0, 1) }, { '0.png': line(0, 9) });
  expect(twice.told.error).toMatch(/0.+\.png: 0.+\.png has the same name$/);
});

test('labels drawn in the alpha channel are refused, and opaque ones read', () => {
  const message = 'cannot be read as an image (it has transparent pixels; save it as grey, without an alpha channel)';
  const palettes = (alpha: number[]) => [
    chunk('PLTE', Buffer.from([255, 255, 255, 255, 255, 255])),
    chunk('tRNS', Buffer.from(alpha)),
  ];
  const two = { width: 2, height: 1 };
  const transparentGif = gif(1);
  const files = (alpha: number): [Buffer, string, readonly Use[]][] => [
    [png({ ...two, colour: 4, rows: Buffer.from([0, 255, 255, 255, alpha]) }), 'png', ['mask', 'numbers']],
    [
      png({ ...two, colour: 6, rows: Buffer.from([0, 255, 255, 255, alpha, 255, 255, 255, 255]) }),
      'png',
      ['mask', 'numbers'],
    ],
    [
      png({ ...two, depth: 16, colour: 4, rows: Buffer.from([0, ...Array<number>(7).fill(255), alpha]) }),
      'png',
      ['mask', 'numbers'],
    ],
    [png({ ...two, colour: 3, before: palettes([255, alpha]), rows: Buffer.from([0, 0, 1]) }), 'png', ['mask']],
    [tiff({ ...two, channels: 2, samples: [255, 255, 255, alpha] }), 'tif', ['mask', 'numbers']],
    [tiff({ ...two, channels: 4, samples: [...Array<number>(7).fill(255), alpha] }), 'tif', ['mask', 'numbers']],
  ];
  for (const [bytes, ending, uses] of files(0)) {
    const { path, told } = readFor(bytes, ending, uses);
    for (const each of told) expect(each).toEqual(refusal(path, message));
    expect(readFor(bytes, ending, ['image']).told[0]).toMatchObject({ ok: { channels: 1, values: { length: 2 } } });
  }
  for (const [bytes, ending, uses] of files(255)) {
    const { told } = readFor(bytes, ending, uses);
    for (const each of told) expect(each).toMatchObject({ ok: { channels: 1, values: { length: 2 } } });
  }
  // The GIF names a transparent colour.
  const control = Buffer.from([0x21, 0xf9, 4, 1, 0, 0, 0, 0]);
  const at = transparentGif.lastIndexOf(0x2c);
  const { path, told } = readFor(
    Buffer.concat([transparentGif.subarray(0, at), control, transparentGif.subarray(at)]),
    'gif',
    ['mask', 'numbers'],
  );
  for (const each of told) expect(each).toEqual(refusal(path, message));
  // Indices are numbers whatever their colours.
  const indexed = png({ ...two, colour: 3, before: palettes([0, 255]), rows: Buffer.from([0, 0, 1]) });
  expect(readFor(indexed, 'png', ['numbers']).told[0]).toMatchObject({ ok: { values: [0, 1] } });
});
