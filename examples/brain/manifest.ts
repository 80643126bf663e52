import { existsSync, readFileSync } from 'node:fs';
import { DataError } from '../shared/errors.js';

/** The column `annotators` of a manifest.csv by its column `file`; an empty map if there is no such file. */
export const readAnnotators = (path: string): Map<string, number> => {
  if (!existsSync(path)) return new Map();
  const [header = [], ...rows] = readFileSync(path, 'utf8')
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(',').map((cell) => cell.trim()));
  const [file, annotators] = ['file', 'annotators'].map((column) => header.indexOf(column)) as [number, number];
  if (file < 0 || annotators < 0) throw new DataError(`${path}: needs the columns file and annotators`);
  return new Map(
    rows.map((row, index) => {
      const count = Number(row[annotators]);
      if (!Number.isInteger(count) || count < 1) {
        throw new DataError(
          `${path}: line ${index + 2} has annotators '${row[annotators] ?? ''}', not a number above 0`,
        );
      }
      return [row[file] ?? '', count];
    }),
  );
};
