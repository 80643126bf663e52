import { basename, join, resolve } from 'node:path';
import type { Dataset, Sample } from './dataset.js';
import { DataError } from '../shared/errors.js';
import { type Pixels, readPixels } from './image.js';
import { composed, type Kind, labelFolder, type Pair, pairFiles } from './layout.js';
import { readAnnotators } from './manifest.js';
import { split } from './split.js';

const MOST_CLASSES = 32;
const SHOWN = 3;

/** The pixels of an image and of its label file, of the same size. */
interface Read extends Pair {
  picture: Pixels;
  marks: Pixels;
}

const size = ({ width, height }: Pixels) => `${width}x${height}`;

const maximum = (values: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]!);
  return most;
};

const readPair = async (pair: Pair, kind: Kind): Promise<Read> => {
  const picture = await readPixels(pair.image);
  const marks = await readPixels(pair.label, kind === 'masks' ? 'mask' : 'numbers');
  if (marks.channels !== 1) throw new DataError(`${pair.label}: is a colour image; ${kind} must be grey`);
  if (size(picture) !== size(marks)) {
    throw new DataError(
      `${pair.label}: is ${size(marks)}, but its image ${pair.file} is ${size(picture)} (width x height)`,
    );
  }
  return { ...pair, picture, marks };
};

const readAll = async (pairs: Pair[], kind: Kind): Promise<Read[]> => {
  const all: Read[] = [];
  for (const pair of pairs) {
    const read = await readPair(pair, kind);
    const first = all[0] ?? read;
    if (size(read.picture) !== size(first.picture)) {
      const sizes = `is ${size(read.picture)}, but ${first.file} is ${size(first.picture)} (width x height)`;
      throw new DataError(`${pair.image}: ${sizes}; all images must have the same size`);
    }
    all.push(read);
  }
  return all;
};

/** The lowest of 256 levels above 0. Masks that stay below it were made for another value of white. */
const FAINTEST = 1 / 256;

/**
 * Masks are 0 and 1, or 0 to white, where the values between are soft labels. Ambiguous ones are refused: files whose
 * highest value is 1 together with others that have higher values, and 0 to 255 in files whose white is 65535.
 */
const fromMasks = (all: Read[]) => {
  const highest = all.map((read) => ({ ...read, most: maximum(read.marks.values), white: read.marks.white }));
  const brightest = highest.reduce((most, each) => (each.most > most.most ? each : most));
  const binary = brightest.most <= 1;
  if (!binary) {
    const ones = highest.find(({ most, white }) => most === 1 && white > 1);
    if (ones) {
      const values = `has 1 as its highest value, and ${brightest.label} has ${brightest.most}`;
      throw new DataError(`${ones.label}: ${values}; all must be 0 and 1, or all 0 to white`);
    }
    for (const white of new Set(highest.map((each) => each.white))) {
      const most = Math.max(...highest.filter((each) => each.white === white).map((each) => each.most));
      if (most === 0 || most / white >= FAINTEST) continue;
      const { label } = highest.find((each) => each.white === white && each.most === most)!;
      throw new DataError(
        `${label}: has ${most} as its highest value, where white is ${white}; save it with fewer bits`,
      );
    }
  }
  return {
    classes: ['object'],
    labelsOf: ({ marks }: Read) => Float32Array.from(marks.values, (value) => (binary ? value : value / marks.white)),
  };
};

/** Class maps become one channel per class, 1 where the pixel has that class. */
const fromClassMaps = (all: Read[]) => {
  let count = 2;
  for (const { label, marks } of all) {
    const highest = maximum(marks.values);
    if (highest >= MOST_CLASSES) {
      const hint = 'a mask of 0 and 255 belongs in a folder masks';
      throw new DataError(`${label}: has class ${highest}, the highest allowed is ${MOST_CLASSES - 1}; ${hint}`);
    }
    count = Math.max(count, highest + 1);
  }
  return {
    classes: Array.from({ length: count }, (_, index) => `class ${index}`),
    labelsOf: ({ marks: { values } }: Read) => {
      const labels = new Float32Array(values.length * count);
      for (let i = 0; i < values.length; i++) labels[i * count + values[i]!] = 1;
      return labels;
    },
  };
};

/** Votes stay counts, together with the number of annotators, for softLabelsFromVotes. */
const fromVotes = (dir: string, given: number | undefined) => {
  const path = join(dir, 'manifest.csv');
  const listed = given === undefined ? readAnnotators(path) : new Map<string, number>();
  const annotatorsOf = ({ file, label, marks }: Read) => {
    const annotators = given ?? listed.get(composed(file));
    if (annotators === undefined) {
      throw new DataError(`${label}: how many annotators? Give --annotators N, or list ${file} in ${path}`);
    }
    const most = maximum(marks.values);
    if (most > annotators) throw new DataError(`${label}: has ${most} votes of ${annotators} annotators`);
    return annotators;
  };
  return { classes: ['object'], labelsOf: ({ marks }: Read) => Float32Array.from(marks.values), annotatorsOf };
};

const colour = ({ channels, values, white }: Pixels, wanted: number) =>
  channels === wanted
    ? Float32Array.from(values, (value) => value / white)
    : Float32Array.from({ length: values.length * wanted }, (_, i) => values[Math.floor(i / wanted)]! / white);

/** Images and labels in the user's folder; README.md says how to lay it out. */
export const folderDataset = async (dir: string, asked: { labels?: string; annotators?: number }): Promise<Dataset> => {
  const { folder, kind } = labelFolder(dir, asked.labels);
  const { pairs, unused } = pairFiles(dir, folder);
  const parts = split(pairs, dir);
  const all = await readAll([...parts.train, ...parts.test], kind);
  const reading: { classes: string[]; labelsOf(read: Read): Float32Array; annotatorsOf?(read: Read): number } =
    kind === 'masks' ? fromMasks(all) : kind === 'labels' ? fromClassMaps(all) : fromVotes(dir, asked.annotators);
  const channels = Math.max(...all.map(({ picture }) => picture.channels));
  const samples = all.map((read): Sample => ({
    file: read.file,
    image: colour(read.picture, channels),
    labels: reading.labelsOf(read),
    annotators: reading.annotatorsOf?.(read),
  }));
  const test = samples.slice(parts.train.length);
  const rows = Array.from({ length: Math.min(SHOWN, test.length) }, (_, row) =>
    Math.floor(((row + 0.5) * test.length) / Math.min(SHOWN, test.length)),
  );
  return {
    name: `${basename(resolve(dir))}/${basename(folder)}`,
    height: all[0]!.picture.height,
    width: all[0]!.picture.width,
    imageTitle: 'image',
    channels,
    classes: reading.classes,
    train: samples.slice(0, parts.train.length),
    test,
    shown: rows.map((index) => ({ index, title: test[index]!.file })),
    notes: [
      parts.note,
      ...(unused.length > 0 ? [`${unused.length} files of ${folder} have no image and are not used`] : []),
    ],
  };
};
