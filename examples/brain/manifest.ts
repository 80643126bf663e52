import { lstatSync } from 'node:fs';
import { DataError } from '../shared/errors.js';
import { readRows } from '../shared/csv.js';
import { composed } from './layout.js';

/** The column `annotators` of manifest.csv by the composed names in its column `file`; empty if it does not exist. */
export const readAnnotators = (path: string): Map<string, number> => {
  const listed = new Map<string, number>();
  if (!lstatSync(path, { throwIfNoEntry: false })) return listed;
  for (const { line, cells } of readRows(path, ['file', 'annotators'])) {
    const [name, count] = cells as [string, string];
    const file = composed(name);
    if (!/^[1-9]\d{0,5}$/.test(count)) {
      throw new DataError(
        `${path}: line ${line} has annotators ${JSON.stringify(count)}, not a whole number from 1 to 999999`,
      );
    }
    if (listed.has(file)) throw new DataError(`${path}: line ${line} has ${JSON.stringify(file)} twice`);
    listed.set(file, Number(count));
  }
  return listed;
};
