/** A mistake in how a program was called: one line, exit code 2. */
export class UsageError extends Error {}

/** Something wrong with the data: one line that names the file, exit code 1. */
export class DataError extends Error {}

export const exitCode = (error: unknown) => (error instanceof UsageError ? 2 : 1);

export const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The message as lines to print. That of a mistake is one, whatever the names in it. */
export const linesOf = (error: unknown): string[] =>
  error instanceof UsageError || error instanceof DataError ? [error.message] : message(error).split('\n');

/** The same for an error that nobody expected, with where it came from. */
export const stackOf = (error: unknown): string[] =>
  ((error instanceof Error && error.stack) || message(error)).split('\n');
