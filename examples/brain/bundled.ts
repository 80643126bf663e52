import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRows } from '../shared/csv.js';
import { DataError } from '../shared/errors.js';
import { readPngFile } from '../shared/png.js';
import type { Dataset, Sample } from './dataset.js';

const CLASSES = ['background', 'grey matter', 'white matter'];
const FOLDER = fileURLToPath(new URL('../../brain/data', import.meta.url));
const [WIDTH, HEIGHT] = [80, 96];
const COUNTS = { train: 32, test: 18 };

/** A slice of the template: red is the T1 image, green and blue are the probabilities of grey and white matter. */
const readSlice = (folder: string, file: string): Sample => {
  const path = join(folder, file);
  const { width, height, channels, depth, data } = readPngFile(path);
  if (width !== WIDTH || height !== HEIGHT || channels !== 3 || depth !== 8) {
    throw new DataError(`${path}: must be a colour image of ${WIDTH}x${HEIGHT} pixels, is ${width}x${height}`);
  }
  const pixels = width * height;
  const image = new Float32Array(pixels);
  const labels = new Float32Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const [t1, grey, white] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    if (grey + white > 255) throw new DataError(`${path}: grey and white matter of pixel ${i} are more than 1`);
    image[i] = t1 / 255;
    labels.set([(255 - grey - white) / 255, grey / 255, white / 255], 3 * i);
  }
  return { file, image, labels };
};

/** The rows of slices.csv, checked against what prepare.py writes. */
const readSlices = (folder: string) => {
  const path = join(folder, 'slices.csv');
  const rows = readRows(path, ['file', 'split', 'block', 'z_mm']).map(({ line, cells }) => {
    const [file, split, block, z] = cells as [string, string, string, string];
    if (!/^(train|test)_\d\d\.png$/.test(file) || !file.startsWith(`${split}_`) || !/^\d$/.test(block)) {
      throw new DataError(`${path}: line ${line} is not what prepare.py writes`);
    }
    return { file, split, block: Number(block), z: Number(z) };
  });
  for (const [split, count] of Object.entries(COUNTS)) {
    const files = new Set(rows.filter((row) => row.split === split).map(({ file }) => file));
    if (files.size !== count) throw new DataError(`${path}: must list ${count} ${split} slices, lists ${files.size}`);
  }
  return rows;
};

/** The brain slices that come with the example. */
export const bundledDataset = (folder = FOLDER): Dataset => {
  const slices = readSlices(folder).map((row) => ({ ...row, sample: readSlice(folder, row.file) }));
  const test = slices.filter(({ split }) => split === 'test');
  const blocks = [...new Set(test.map(({ block }) => block))];
  const middles = blocks.map((block) => {
    const indices = test.flatMap((slice, index) => (slice.block === block ? [index] : []));
    return indices[Math.floor(indices.length / 2)]!;
  });
  return {
    name: 'ICBM-152 template',
    height: HEIGHT,
    width: WIDTH,
    imageTitle: 'T1',
    channels: 1,
    classes: CLASSES,
    train: slices.filter(({ split }) => split === 'train').map(({ sample }) => sample),
    test: test.map(({ sample }) => sample),
    shown: middles.map((index, block) => ({ index, title: `block ${block + 1}, z = ${test[index]!.z} mm` })),
    notes: ['one averaged, symmetric brain: a demonstration, which does not show how well anything generalizes'],
  };
};
