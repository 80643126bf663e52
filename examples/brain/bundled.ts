import { readFileSync } from 'node:fs';
import { decode } from 'fast-png';
import type { Dataset, Sample } from './dataset.js';

const CLASSES = ['background', 'grey matter', 'white matter'];

/** A slice of the template: red is the T1 image, green and blue are the probabilities of grey and white matter. */
const readSlice = (folder: URL, file: string) => {
  const { width, height, data } = decode(readFileSync(new URL(file, folder)));
  const pixels = width * height;
  const image = new Float32Array(pixels);
  const labels = new Float32Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const [t1, grey, white] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    image[i] = t1 / 255;
    labels.set([(255 - grey - white) / 255, grey / 255, white / 255], 3 * i);
  }
  return { width, height, sample: { file, image, labels } satisfies Sample };
};

/** The brain slices that come with the example. */
export const bundledDataset = (): Dataset => {
  const folder = new URL('../../brain/data/', import.meta.url);
  const rows = readFileSync(new URL('slices.csv', folder), 'utf8').trim().split('\n').slice(1);
  const slices = rows.map((row) => {
    const [file = '', split, block, z] = row.split(',');
    return { split, block: Number(block), z: Number(z), ...readSlice(folder, file) };
  });
  const { width, height } = slices[0]!;
  const test = slices.filter(({ split }) => split === 'test');
  const blocks = [...new Set(test.map(({ block }) => block))];
  const middles = blocks.map((block) => {
    const indices = test.flatMap((slice, index) => (slice.block === block ? [index] : []));
    return indices[Math.floor(indices.length / 2)]!;
  });
  return {
    name: 'ICBM-152 template',
    height,
    width,
    imageTitle: 'T1',
    channels: 1,
    classes: CLASSES,
    train: slices.filter(({ split }) => split === 'train').map(({ sample }) => sample),
    test: test.map(({ sample }) => sample),
    shown: middles.map((index, block) => ({ index, title: `block ${block + 1}, z = ${test[index]!.z} mm` })),
    notes: ['one averaged, symmetric brain: a demonstration, no evidence of how well anything generalizes'],
  };
};
