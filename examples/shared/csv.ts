import { DataError } from './errors.js';
import { readWhole } from './read.js';

interface Row {
  /** Its line in the file, from 1. */
  line: number;
  /** The cells of the columns asked for, in that order. */
  cells: string[];
}

/** A cell, plain or in quotation marks, with the comma or end of line after it. */
const CELL = /(?:[ \t]*"((?:[^"]|"")*)"[ \t]*|([^",]*))(,|$)/y;

/** The cells of a line; null if it is not a line of a table. */
const cellsOf = (text: string): string[] | null => {
  const cells: string[] = [];
  CELL.lastIndex = 0;
  for (;;) {
    const cell = CELL.exec(text);
    if (!cell) return null;
    cells.push(cell[1]?.replaceAll('""', '"') ?? cell[2]!.trim());
    if (cell[3] === '') return cells;
  }
};

/** The wanted columns of a CSV file: UTF-8, with or without a byte order mark, with the line ends of any system. */
export const readRows = (path: string, columns: readonly string[]): Row[] => {
  const lines = readWhole(path)
    .toString()
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((text, i) => ({ line: i + 1, cells: text.trim() === '' ? [] : cellsOf(text) }))
    .filter(({ cells }) => cells?.length !== 0);
  const header = lines[0]?.cells ?? [];
  const places = columns.map((column) => header.indexOf(column));
  if (places.includes(-1)) throw new DataError(`${path}: needs the columns ${columns.join(' and ')}`);
  return lines.slice(1).map(({ line, cells }) => {
    if (cells?.length !== header.length) {
      throw new DataError(`${path}: line ${line} must have ${header.length} cells, like the first line`);
    }
    return { line, cells: places.map((place) => cells[place]!) };
  });
};
