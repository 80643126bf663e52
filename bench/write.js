import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../scripts/options.js';
import { writeWhole } from '../scripts/writeWhole.js';

/** Makes the folder for the results, before any time is spent on measuring. */
export function makeFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`--out ${folder}: cannot be made (${error.message})`);
  }
}

/** Writes a file so that it is never there in part, and returns its path. */
export function writeFile(folder, name, content) {
  const path = join(folder, name);
  writeWhole(path, content);
  return path;
}
