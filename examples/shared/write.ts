import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataError, message } from './errors.js';

/** Makes the folder for the output. Called first, so that a failure costs no time. */
export const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new DataError(`--out ${folder}: cannot be made (${message(error)})`);
  }
};

/**
 * Writes files that belong together, by name. All are written under other names first and then renamed, so each file is
 * complete or missing, and if one cannot be written none is replaced.
 */
export const writeTogether = (folder: string, files: Record<string, string | Uint8Array>): string[] => {
  const all = Object.entries(files).map(([name, content]) => {
    return { path: join(folder, name), unfinished: join(folder, `.${name}.${process.pid}`), content };
  });
  let path = folder;
  try {
    for (const file of all) {
      path = file.path;
      writeFileSync(file.unfinished, file.content, { flush: true });
    }
    for (const file of all) {
      path = file.path;
      renameSync(file.unfinished, path);
    }
  } catch (error) {
    for (const { unfinished } of all) rmSync(unfinished, { force: true });
    throw new DataError(`${path}: cannot be written (${message(error)})`);
  }
  return all.map((file) => file.path);
};

/** Writes a file under another name first, so that it is complete or missing. */
export const writeWhole = (folder: string, name: string, content: string | Uint8Array): string =>
  writeTogether(folder, { [name]: content })[0]!;

/** Removes a file, if there is one. */
export const removeFile = (folder: string, name: string): void => {
  const path = join(folder, name);
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw new DataError(`${path}: cannot be removed (${message(error)})`);
  }
};
