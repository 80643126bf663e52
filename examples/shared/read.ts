import { readFileSync, statSync } from 'node:fs';
import { DataError, message } from './errors.js';

const MOST_MEGABYTES = 512;

/** The bytes of a file, or an error that names it. A pipe is refused: reading it could wait for ever. */
export const readWhole = (path: string): Buffer => {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error('it is not a file');
    if (stat.size > MOST_MEGABYTES * 1e6) throw new Error(`it has more than ${MOST_MEGABYTES} MB`);
    return readFileSync(path);
  } catch (error) {
    throw new DataError(`${path}: cannot be read (${message(error)})`);
  }
};
