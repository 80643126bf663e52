/** Makes text from outside safe to show in a message or a terminal. */

/** Invisible characters: they move the cursor, colour, beep, set the title or change the direction of writing. */
// eslint-disable-next-line no-control-regex -- control characters are meant
const unseen = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const spelled = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The text with invisible characters spelled out (`\u001b`), except line breaks. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => (character === '\n' ? character : spelled(character)));

/** The text with all invisible characters spelled out, line breaks included, so that it stays on one line. */
export const visibleLine = (text: string): string => text.replace(unseen, spelled);
