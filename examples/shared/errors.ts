/** A mistake in how a program was called: one line, exit code 2. */
export class UsageError extends Error {}

/** Something wrong with the data: one line that names the file, exit code 1. */
export class DataError extends Error {}

export const exitCode = (error: unknown) => (error instanceof UsageError ? 2 : 1);

export const message = (error: unknown) => (error instanceof Error ? error.message : String(error));
