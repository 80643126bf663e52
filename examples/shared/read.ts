import { readFileSync, statSync } from 'node:fs';
import { DataError, message } from './errors.js';

const MOST_MEGABYTES = 512;

/** The bytes of a file, or an error that names it. What is no file, such as a pipe, would be waited for without end. */
export const readWhole = (path: string): Buffer => {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error('it is no file');
    if (stat.size > MOST_MEGABYTES * 1e6) throw new Error(`it has more than ${MOST_MEGABYTES} MB`);
    return readFileSync(path);
  } catch (error) {
    throw new DataError(`${path}: cannot be read (${message(error)})`);
  }
};
