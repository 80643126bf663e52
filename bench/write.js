import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './options.js';

/** Makes the folder for the results before any time is spent on them. */
export function makeFolder(folder) {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`--out ${folder}: cannot be made (${error.message})`);
  }
}

/** Writes a file under another name first, so that it is there as a whole or not at all. */
export function writeWhole(folder, name, content) {
  const path = join(folder, name);
  const unfinished = join(folder, `.${name}.${process.pid}`);
  writeFileSync(unfinished, content);
  renameSync(unfinished, path);
  return path;
}
