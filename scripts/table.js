// Tables in Markdown, for pages of the docs and for the terminal.
import { markdownTable } from 'markdown-table';

/** A table for a page: cells are as long as their text, so that a change of one row changes one line. */
export const pageTable = (head, rows) => markdownTable([head, ...rows], { alignDelimiters: false });

/** A table for the terminal, in columns. The first `left` columns are aligned to the left, the others to the right. */
export const terminalTable = (head, rows, { left = 1 } = {}) =>
  markdownTable([head, ...rows], { align: head.map((_, column) => (column < left ? 'l' : 'r')) });
