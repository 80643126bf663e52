/** Writing to a terminal: text that is shown as it is, and no error where nobody reads it any more. */

/** A place to write to: `process.stdout`, `process.stderr`, or anything with a `write`. */
export interface TextStream {
  write(text: string): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

export { visible, visibleLine } from '../../visibleText.js';

/** Streams that were written to; an error if that failed. */
const errors = new WeakMap<TextStream, Error | null>();

/**
 * Writes to a stream as long as it takes anything. One that breaks (a pipe that was closed, a full disk) is left alone
 * from then on: without a listener the error would end the program.
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

/** Why a stream did not take all that `writeTo` was given; undefined also where the reader has gone: it has enough. */
export function lostBy(stream: TextStream): Error | undefined {
  const error = errors.get(stream);
  return error && (error as NodeJS.ErrnoException).code !== 'EPIPE' ? error : undefined;
}
