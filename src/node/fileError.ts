import { withName } from '../argumentError.js';
import { visible, visibleLine } from '../visibleText.js';

/** Whether a file or a folder was not there. */
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

export const codeOf = (error: unknown): string | undefined => (error as { code?: string } | null)?.code;

/**
 * An error that says what was done to which file, with no control characters from the names of files. It keeps the code
 * of the file system's error, its cause.
 */
export const fileError = (what: string, cause: unknown): Error =>
  withName(withCause(`${what}: ${(cause as Error).message}`, cause));

export function withCause(message: string, cause: unknown): Error {
  const code = codeOf(cause);
  // (tfjs has messages of several lines.)
  const error = new Error(code === undefined ? visible(message) : visibleLine(message), { cause });
  return code === undefined ? error : Object.assign(error, { code });
}
