/** Text from outside as a message or a terminal may show it. */

/** Characters that move the cursor, colour, beep, set the title or turn the direction of writing, but are not seen. */
// eslint-disable-next-line no-control-regex -- these are meant
const unseen = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const spelled = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The text with such characters spelled out (`\u001b`), except line breaks. */
export const visible = (text: string): string =>
  text.replace(unseen, (character) => (character === '\n' ? character : spelled(character)));

/** The same for what must stay on one line. */
export const visibleLine = (text: string): string => text.replace(unseen, spelled);
