/** Characters that control a terminal or change how it shows text. */
// eslint-disable-next-line no-control-regex -- the expression is about them
const UNSEEN = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with these characters escaped (`\u001b`), because file names and options may contain them. */
const visible = (text: string): string =>
  text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

let lost: NodeJS.ErrnoException | undefined;
for (const stream of [process.stdout, process.stderr]) {
  // Without a listener a closed pipe (`| head`) or a full disk would end the program before it has written its files.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (stream === process.stdout && error.code !== 'EPIPE') lost = error;
  });
}
process.once('exit', () => {
  if (!lost) return;
  process.stderr.write(`standard output could not be written: ${lost.message}\n`);
  process.exitCode ||= 1;
});

const shown = (lines: string[]) => `${lines.map(visible).join('\n')}\n`;

/** Prints lines. A line break inside a line, for example in a file's name, is escaped. */
export const say = (...lines: string[]): void => void process.stdout.write(shown(lines));
export const complain = (...lines: string[]): void => void process.stderr.write(shown(lines));
