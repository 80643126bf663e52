/** Whether a file or a folder was not there. */
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

export const codeOf = (error: unknown): string | undefined => (error as { code?: string } | null)?.code;

/** An error that says what was done to which file. It keeps the code of the file system's error, its cause. */
export const fileError = (fn: string, what: string, cause: unknown): Error =>
  withCause(`${fn}: ${what}: ${(cause as Error).message}`, cause);

export function withCause(message: string, cause: unknown): Error {
  const error = new Error(message, { cause });
  const code = codeOf(cause);
  return code === undefined ? error : Object.assign(error, { code });
}
