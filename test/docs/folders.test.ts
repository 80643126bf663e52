/** The README of each folder of src begins with one sentence that says what the folder is for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from './codeBlocks.js';

const COLUMNS = 120;
/** Anything longer belongs in docs/architecture.md. */
const MOST_LINES = 12;

const SRC = join(ROOT, 'src');
const FOLDERS = [
  SRC,
  ...readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name)),
].map((folder) => relative(ROOT, folder));

const readmeOf = (folder: string) => join(ROOT, folder, 'README.md');
const linesOf = (folder: string) => readFileSync(readmeOf(folder), 'utf8').trimEnd().split('\n');

test('every folder of src has a README', () => {
  expect(FOLDERS).toContain('src/kernels/composed');
  expect(FOLDERS.filter((folder) => !existsSync(readmeOf(folder)))).toEqual([]);
});

test.each(FOLDERS)('the README of %s begins with one sentence', (folder) => {
  const [sentence = '', after = ''] = linesOf(folder);
  expect(sentence).toMatch(/^[A-Z].{20,}[^.]\.$/);
  expect(sentence).not.toMatch(/\. [A-Z]/);
  expect(after).toBe('');
});

test.each(FOLDERS)('the README of %s is short, and its lines fit', (folder) => {
  const lines = linesOf(folder);
  expect(lines.length).toBeLessThanOrEqual(MOST_LINES);
  expect(lines.filter((line) => line.length > COLUMNS)).toEqual([]);
});

test('no two folders have the same sentence', () => {
  const sentences = FOLDERS.map((folder) => linesOf(folder)[0]);
  expect(new Set(sentences).size).toBe(sentences.length);
});
