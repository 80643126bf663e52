import { describe, expect, test } from '@jest/globals';
import { ProgressLine, showOn } from '../../src/backend/progress.js';

function stream(isTTY: boolean, columns = 60) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

describe('a progress line', () => {
  test('off a terminal writes a plain line at each tenth, and nothing else', () => {
    const out = stream(false);
    const line = new ProgressLine(out);
    for (let i = 0; i <= 100; i++) line.update('fetching', i / 100, `${i} MB`);
    line.done('ready');
    expect(out.written).toHaveLength(12);
    expect(out.written[0]).toBe('fetching [------------------------]  0% 0 MB\n');
    expect(out.written[5]).toBe('fetching [############------------] 50% 50 MB\n');
    expect(out.written[11]).toBe('ready\n');
    // eslint-disable-next-line no-control-regex -- what is tested
    expect(out.written.join('')).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  test('off a terminal tells a label without a fraction once', () => {
    const out = stream(false);
    const line = new ProgressLine(out);
    for (let i = 0; i < 5; i++) line.update('trying');
    line.note('a note');
    line.update('trying');
    expect(out.written).toEqual(['trying\n', 'a note\n']);
  });

  test('on a terminal is redrawn in place, and never wraps', () => {
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

  test('shows what installNative reports', () => {
    const out = stream(false);
    showOn(new ProgressLine(out))({ step: 'fetch', label: 'fetching', fraction: 2, detail: 'all' });
    expect(out.written).toEqual([`fetching [${'#'.repeat(24)}]100% all\n`]);
  });
});
