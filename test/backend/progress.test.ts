import { describe, expect, test } from '@jest/globals';
import { Writable } from 'node:stream';
import { lastWords } from '../../src/backend/system/processes.js';
import { ProgressLine, showOn } from '../../src/backend/progress.js';

function stream(isTTY: boolean, columns = 60) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

describe('a progress line', () => {
  test('writes plain lines, one for each tenth, when not on a terminal', () => {
    const out = stream(false);
    const line = new ProgressLine(out);
    for (let i = 0; i <= 100; i++) line.update('fetching', i / 100, `${i} MB`);
    line.done('ready');
    expect(out.written).toHaveLength(12);
    expect(out.written[0]).toBe('fetching [------------------------]  0% 0 MB\n');
    expect(out.written[5]).toBe('fetching [############------------] 50% 50 MB\n');
    expect(out.written[11]).toBe('ready\n');
    // eslint-disable-next-line no-control-regex -- the test looks for them
    expect(out.written.join('')).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  test('writes a label without a fraction once when not on a terminal', () => {
    const out = stream(false);
    const line = new ProgressLine(out);
    for (let i = 0; i < 5; i++) line.update('trying');
    line.note('a note');
    line.update('trying');
    expect(out.written).toEqual(['trying\n', 'a note\n']);
  });

  test('is redrawn in place on a terminal, and never wraps', () => {
    const out = stream(true, 30);
    const line = new ProgressLine(out);
    line.update('fetching', 0.5, 'of a very long file');
    line.note('a note');
    line.done();
    expect(out.written).toEqual([
      '\rfetching [############-------\x1b[K',
      '\r\x1b[K',
      'a note\n',
      '\rfetching [############-------\x1b[K',
      '\r\x1b[K',
    ]);
  });

  test('spells out control characters in labels and details, and in final messages, except line breaks', () => {
    for (const isTTY of [false, true]) {
      const out = stream(isTTY, 200);
      const line = new ProgressLine(out);
      line.update('a\x1b[2Jb\nc', undefined, '\x07\x9b');
      line.note('one\n\x1b]0;title\x07two');
      line.done('\u202eend\r');
      const shown = out.written.join('').replaceAll('\r', '').replaceAll('\x1b[K', '');
      const label = String.raw`a\u001b[2Jb\u000ac \u0007\u009b`;
      const stays = ['one', String.raw`\u001b]0;title\u0007two`].join('\n');
      const end = String.raw`\u202eend\u000d`;
      expect(shown).toBe(isTTY ? `${label}${stays}\n${label}${end}\n` : `${label}\n${stays}\n${end}\n`);
    }
  });

  test.each(['EPIPE', 'ENOSPC'])('survives a stream that breaks with %s', async (code) => {
    let writes = 0;
    const out = new Writable({
      write: (_chunk, _encoding, done) => {
        writes++;
        done(Object.assign(new Error('broken'), { code }));
      },
    });
    const line = new ProgressLine(out);
    line.update('fetching', 0.1);
    await new Promise((resolve) => setImmediate(resolve));
    line.update('fetching', 0.9);
    line.note('a note');
    line.done('ready');
    expect(writes).toBe(1);
    expect(out.listenerCount('error')).toBe(1);
  });

  test('survives a stream whose write throws', () => {
    const line = new ProgressLine({
      write: () => {
        throw new Error('broken');
      },
    });
    line.update('fetching', 0.1);
    line.done('ready');
    expect(line.terminal).toBe(false);
  });

  test('shows the reports of installNative', () => {
    const out = stream(false);
    showOn(new ProgressLine(out))({ step: 'fetch', label: 'fetching', fraction: 2, detail: 'all' });
    expect(out.written).toEqual([`fetching [${'#'.repeat(24)}]100% all\n`]);
  });
});

test('the last output of another program is shown without control characters', () => {
  expect(lastWords('\x1b[31merror: a\x1b[0m\x07\nerror: b\x9b2J\u202e')).toBe(
    String.raw`"error: a | error: b\u009b2J\u202e"`,
  );
});
