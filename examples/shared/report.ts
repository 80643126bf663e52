import { say } from './output.js';
import { table } from './table.js';

/** Prints a table: a row for each name and its numbers. */
export const printScores = (header: string[], rows: readonly (readonly [string, ...number[]])[]): void => {
  const cells = rows.map(([name, ...values]) => [name, ...values.map((value) => value.toFixed(3))]);
  say(...table(header, cells).split('\n'));
};

/** Prints the losses of the first and the last epoch or step. */
export const printLosses = (losses: readonly number[]): void => {
  say(`loss ${losses[0]!.toFixed(3)} -> ${losses.at(-1)!.toFixed(3)}`);
};
