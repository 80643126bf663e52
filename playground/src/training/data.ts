/** The slices of the brain example: all training slices, and two of each block of test slices. */
import { decode } from 'fast-png';
import csv from '../../../examples/brain/data/slices.csv?raw';
import { CLASSES, SLICE_PIXELS } from './messages.js';

const ADDRESSES = import.meta.glob<string>(
  ['../../../examples/brain/data/train_*.png', '../../../examples/brain/data/test_{02,03,08,09,14,15}.png'],
  { query: '?url', import: 'default', eager: true },
);

export interface Slice {
  title: string;
  image: Float32Array;
  labels: Float32Array;
}

export interface Data {
  train: Slice[];
  test: Slice[];
}

const rows = new Map(
  csv
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',') as [file: string, split: string, block: string, z: string])
    .map(([file, split, block, z]) => [file, { split, title: `block ${Number(block) + 1}, z = ${z} mm` }]),
);

/**
 * Reads a slice. Red is the T1 image; green and blue are the probabilities of grey and white matter; the rest of the
 * probability is background.
 */
async function readSlice(address: string, title: string): Promise<Slice> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}`);
  const { data } = decode(await response.arrayBuffer(), { checkCrc: true });
  if (data.length !== 3 * SLICE_PIXELS) throw new Error(`${address}: is not a slice of ${SLICE_PIXELS} pixels`);
  const image = new Float32Array(SLICE_PIXELS);
  const labels = new Float32Array(SLICE_PIXELS * CLASSES);
  for (let i = 0; i < SLICE_PIXELS; i++) {
    const [t1, grey, white] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    image[i] = t1 / 255;
    labels.set([(255 - grey - white) / 255, grey / 255, white / 255], CLASSES * i);
  }
  return { title, image, labels };
}

export async function loadData(): Promise<Data> {
  const slices = await Promise.all(
    Object.entries(ADDRESSES).map(async ([path, address]) => {
      const { split, title } = rows.get(path.slice(path.lastIndexOf('/') + 1))!;
      return { split, slice: await readSlice(address, title) };
    }),
  );
  const slicesOf = (wanted: string) => slices.filter(({ split }) => split === wanted).map(({ slice }) => slice);
  return { train: slicesOf('train'), test: slicesOf('test') };
}
