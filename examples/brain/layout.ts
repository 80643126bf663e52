import { type Dirent, readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { DataError, message, UsageError } from '../shared/errors.js';
import { IMAGE_NAME } from './image.js';

export type Kind = 'masks' | 'labels' | 'votes';

const KINDS: readonly Kind[] = ['masks', 'labels', 'votes'];

/** An image file and the label file of the same name, as paths. */
export interface Pair {
  file: string;
  image: string;
  label: string;
}

const kindOf = (folder: string) => KINDS.find((kind) => folder.startsWith(kind));

const entriesOf = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new DataError(`${folder}: cannot be read as a folder (${message(error)})`);
  }
};

/** The folder of labels: the only one, or the one that the user names. */
export const labelFolder = (dir: string, named?: string): { folder: string; kind: Kind } => {
  const folders = entriesOf(dir)
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && kindOf(entry.name))
    .map((entry) => entry.name)
    .sort();
  if (folders.length === 0) throw new DataError(`${dir}: has no folder masks, labels or votes next to images`);
  const found = folders.find((folder) => named !== undefined && composed(folder) === composed(named));
  if (named !== undefined && found === undefined) {
    throw new UsageError(`--labels ${named}: must be one of ${folders.join(', ')}, the label folders of ${dir}`);
  }
  if (named === undefined && folders.length > 1) {
    throw new DataError(`${dir}: has several label folders; choose one with --labels ${folders.join(' or --labels ')}`);
  }
  const folder = found ?? folders[0]!;
  return { folder: join(dir, folder), kind: kindOf(folder)! };
};

/**
 * The name in composed Unicode. One system stores é as one character, another as e with an accent; both look the same.
 */
export const composed = (name: string): string => name.normalize('NFC');

/** The image files of a folder by their names without extension. */
const imageFiles = (folder: string): Map<string, string> => {
  const files = new Map<string, string>();
  const names = entriesOf(folder).map(({ name }) => name);
  for (const file of names.sort()) {
    if (file.startsWith('.') || !IMAGE_NAME.test(file)) continue;
    const name = composed(parse(file).name);
    const other = files.get(name);
    if (other) throw new DataError(`${join(folder, file)}: ${other} has the same name`);
    files.set(name, file);
  }
  return files;
};

/** Every image of `dir` with its label file, and the names of label files without an image. */
export const pairFiles = (dir: string, folder: string): { pairs: Pair[]; unused: string[] } => {
  const images = imageFiles(join(dir, 'images'));
  const labels = imageFiles(folder);
  if (images.size === 0) throw new DataError(`${join(dir, 'images')}: has no images (png, jpg, bmp, gif, tif)`);
  const pairs = [...images].map(([name, file]) => {
    const label = labels.get(name);
    const image = join(dir, 'images', file);
    if (!label) throw new DataError(`${image}: has no file ${name}.png in ${folder}`);
    return { file, image, label: join(folder, label) };
  });
  return { pairs, unused: [...labels].filter(([name]) => !images.has(name)).map(([, file]) => file) };
};
