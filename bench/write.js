import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../scripts/writeWhole.js';
import { UsageError } from './options.js';

/** Makes the folder for the results before any time is spent on them. */
export function makeFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`--out ${folder}: cannot be made (${error.message})`);
  }
}

/** Writes a file whole, and gives its path. */
export function writeFile(folder, name, content) {
  const path = join(folder, name);
  writeWhole(path, content);
  return path;
}
