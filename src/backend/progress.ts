import type { InstallProgress } from './provision/settings.js';
import { visible, visibleLine, writeTo, type TextStream } from './system/terminal.js';

/** The stream that a ProgressLine writes to: `process.stdout`, `process.stderr`, or anything with a `write`. */
export interface ProgressStream extends TextStream {
  isTTY?: boolean;
  columns?: number;
}

const barWidth = 24;
const redrawEvery = 80; // milliseconds
const toLineStart = '\r';
const clearToEnd = '\x1b[K';

/**
 * One line of progress. On a terminal it is redrawn in place; anywhere else (a log file, a pipe) a plain line is
 * written when the label changes and at every further tenth, and no control character is written.
 *
 * Control characters in the given texts are spelled out (`\u001b`), except line breaks in those of `note` and `done`.
 * After an error of the stream (a closed pipe, a full disk) nothing more is written to it, and the program goes on.
 *
 * @example
 * ```ts
 * const line = new ProgressLine(process.stderr);
 * line.update('epoch 1', 0.25, 'loss 0.412');
 * line.note('a remark that stays above the line');
 * line.done('epoch 1: loss 0.301');
 * ```
 */
export class ProgressLine {
  /** True on a terminal, where the line is redrawn in place. */
  readonly terminal: boolean;
  private shown = '';
  private label = '';
  private tenth = -1;
  private drawnAt = 0;

  constructor(private readonly stream: ProgressStream = process.stderr) {
    this.terminal = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  /** Shows how far `label` is: `fraction` is in [0, 1], or undefined if unknown; `detail` stands at the end. */
  update(label: string, fraction?: number, detail = ''): void {
    const text = visibleLine(line(label, fraction, detail));
    const tenth = fraction === undefined ? 0 : Math.floor(clamp(fraction) * 10);
    const news = label !== this.label || tenth > this.tenth;
    if (news) {
      this.label = label;
      this.tenth = tenth;
    }
    if (!this.terminal) {
      if (news) this.write(`${text}\n`);
    } else if (news || Date.now() - this.drawnAt >= redrawEvery) {
      this.draw(text);
    }
  }

  /** Writes a line that stays; the progress line goes on below it. */
  note(text: string): void {
    if (!this.terminal) {
      this.write(`${visible(text)}\n`);
      return;
    }
    const shown = this.shown;
    this.clear();
    this.write(`${visible(text)}\n`);
    if (shown) this.draw(shown);
  }

  /** Ends the line: `text` replaces it, if given; otherwise it is erased. The next `update` starts a new line. */
  done(text?: string): void {
    this.clear();
    this.label = '';
    this.tenth = -1;
    if (text !== undefined) this.write(`${visible(text)}\n`);
  }

  private write(text: string): void {
    writeTo(this.stream, text);
  }

  private draw(text: string): void {
    this.shown = text;
    this.drawnAt = Date.now();
    // One column is left free: a terminal that wraps at the edge would start a new line.
    this.write(`${toLineStart}${text.slice(0, (this.stream.columns || 80) - 1)}${clearToEnd}`);
  }

  private clear(): void {
    if (this.shown) this.write(`${toLineStart}${clearToEnd}`);
    this.shown = '';
  }
}

/**
 * Shows the progress of `installNative` on a line.
 *
 * @example
 * ```ts
 * const line = new ProgressLine();
 * await installNative({ onProgress: showOn(line), onNote: (text) => line.note(text) });
 * line.done();
 * ```
 */
export function showOn(progress: ProgressLine): (event: InstallProgress) => void {
  return ({ label, fraction, detail }) => progress.update(label, fraction, detail);
}

function line(label: string, fraction: number | undefined, detail: string): string {
  const end = detail ? ` ${detail}` : '';
  if (fraction === undefined) return `${label}${end}`;
  const done = clamp(fraction);
  const filled = Math.round(done * barWidth);
  const percent = `${Math.floor(done * 100)}%`.padStart(4);
  return `${label} [${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]${percent}${end}`;
}

const clamp = (fraction: number): number => Math.min(1, Math.max(0, fraction));
