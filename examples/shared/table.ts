/** Rows of cells as lines of text: the first column is aligned to the left, the others to the right. */
export const table = (header: string[], rows: string[][]): string => {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return lines.map((line) => `  ${line.map(cell).join('  ')}`).join('\n');
};
