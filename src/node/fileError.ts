import { withName } from '../argumentError.js';
import { visible, visibleLine } from '../visibleText.js';

/** True if the error says that a file or a folder does not exist. */
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

export const codeOf = (error: unknown): string | undefined => (error as { code?: string } | null)?.code;

/**
 * An error that says which operation failed on which file, without control characters from file names. It keeps the
 * code of its cause, the error of the file system.
 */
export const fileError = (what: string, cause: unknown): Error =>
  withName(withCause(`${what}: ${(cause as Error).message}`, cause));

export function withCause(message: string, cause: unknown): Error {
  const code = codeOf(cause);
  // Messages of tfjs may have several lines.
  const error = new Error(code === undefined ? visible(message) : visibleLine(message), { cause });
  return code === undefined ? error : Object.assign(error, { code });
}
