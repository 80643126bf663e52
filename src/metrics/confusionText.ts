import { largest } from '../extremes.js';

/**
 * A confusion matrix as a text table: the percentage of each label's pixels predicted as each class, and their number.
 */
export function confusionText(counts: readonly number[][], names: readonly string[]): string {
  const header = ['labelled as \\ predicted as', ...names, 'pixels'];
  const rows = counts.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return [names[i]!, ...row.map((count) => percent(count, total)), short(total)];
  });
  const table = [header, ...rows];
  const widths = header.map((_, column) => largest(table.map((row) => width(row[column]!))));
  const lines = table.map((row) => row.map((cell, column) => pad(cell, widths[column]!, column === 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** The percentage with one decimal; `-` if the total is 0. */
export function percent(count: number, total: number): string {
  return total > 0 ? `${((100 * count) / total).toFixed(1)} %` : '-';
}

/** A count; with one decimal if soft labels make it a fraction. */
export function short(count: number): string {
  return Number.isInteger(count) ? String(count) : count.toFixed(1);
}

function pad(text: string, length: number, left: boolean): string {
  const space = ' '.repeat(length - width(text));
  return left ? text + space : space + text;
}

/** The number of Unicode code points. */
function width(text: string): number {
  return [...text].length;
}
