import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataError, message } from './errors.js';

/** Makes the folder for the output, before any time is spent on computing it. */
export const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new DataError(`--out ${folder}: cannot be made (${message(error)})`);
  }
};

/** Writes a file under another name first, so that it is there as a whole or not at all. */
export const writeWhole = (folder: string, name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  const unfinished = join(folder, `.${name}.${process.pid}`);
  try {
    writeFileSync(unfinished, content);
    renameSync(unfinished, path);
  } catch (error) {
    throw new DataError(`${path}: cannot be written (${message(error)})`);
  }
  return path;
};
