import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/**
 * Writes files, by name, that belong together: all of them under other names first, so that each is there as a whole or
 * not at all, and none of them is new where another one cannot be written.
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

/** Writes a file under another name first, so that it is there as a whole or not at all. */
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
