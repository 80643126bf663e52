/** What a terminal is given: text that is shown as it is, and no error where nobody reads it any more. */

/** What can be written to: `process.stdout`, `process.stderr`, or anything with a `write`. */
export interface TextStream {
  write(text: string): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

/** Characters that move the cursor, colour, beep, set the title or turn the direction of writing, but are not seen. */
// eslint-disable-next-line no-control-regex -- these are meant
const unseen = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const spelled = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The text with such characters spelled out (`\u001b`), except line breaks. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => (character === '\n' ? character : spelled(character)));

/** The same for what must stay on one line. */
export const visibleLine = (text: string): string => text.replace(unseen, spelled);

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
