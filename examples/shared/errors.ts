/** A program was called wrongly: it prints one line and has exit code 2. */
export class UsageError extends Error {}

/** Something is wrong with the data: the program prints one line that names the file, and has exit code 1. */
export class DataError extends Error {}

export const exitCode = (error: unknown) => (error instanceof UsageError ? 2 : 1);

export const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The message as lines to print. For the two errors above it is one line, even if a name in it has a line break. */
export const linesOf = (error: unknown): string[] =>
  error instanceof UsageError || error instanceof DataError ? [error.message] : message(error).split('\n');

/** The lines for an unexpected error, with its stack. */
export const stackOf = (error: unknown): string[] =>
  ((error instanceof Error && error.stack) || message(error)).split('\n');
