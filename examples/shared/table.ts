import { markdownTable } from 'markdown-table';

/** A Markdown table: the first column is aligned to the left, the others to the right. */
export const table = (header: string[], rows: string[][]): string =>
  markdownTable([header, ...rows], { align: header.map((_, column) => (column === 0 ? 'l' : 'r')) });
