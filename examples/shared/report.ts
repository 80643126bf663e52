import { say } from './output.js';
import { table } from './table.js';

/** Prints rows of numbers under names. */
export const printScores = (header: string[], rows: readonly (readonly [string, ...number[]])[]): void => {
  const cells = rows.map(([name, ...values]) => [name, ...values.map((value) => value.toFixed(3))]);
  say(...table(header, cells).split('\n'));
};

/** Prints the losses of a training's first and last epoch, or step. */
export const printLosses = (losses: readonly number[]): void => {
  say(`loss ${losses[0]!.toFixed(3)} -> ${losses.at(-1)!.toFixed(3)}`);
};
