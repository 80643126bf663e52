/** Writing to a terminal without control characters, and without an error when the reader is gone. */

/** A stream for text: `process.stdout`, `process.stderr`, or anything with a `write`. */
export interface TextStream {
  write(text: string): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

export { visible, visibleLine } from '../../visibleText.js';

/** The streams that were written to, each with its error if it failed. */
const errors = new WeakMap<TextStream, Error | null>();

/**
 * Writes to a stream until it fails (a closed pipe, a full disk); after that nothing more is written to it. The
 * function listens for the stream's errors, which would otherwise end the program.
 */
export function writeTo(stream: TextStream, text: string): void {
  if (!errors.has(stream)) {
    errors.set(stream, null);
    stream.on?.('error', (error) => errors.set(stream, error));
  }
  if (errors.get(stream)) return;
  try {
    stream.write(text);
  } catch (error) {
    errors.set(stream, error as Error);
  }
}

/** The error of a stream that lost text given to `writeTo`; undefined if only its reader is gone (EPIPE). */
export function writeErrorOf(stream: TextStream): Error | undefined {
  const error = errors.get(stream);
  return error && (error as NodeJS.ErrnoException).code !== 'EPIPE' ? error : undefined;
}
