/**
 * The tables that the demo reads, in the states that people and disks leave them in: no wrong number of annotators, no
 * wrong slice.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { damaged } from '../damage/damaged.js';
import { eachOf, expectNamed, refusal } from './eachOf.js';
import { someRows } from './pngs.js';

jest.setTimeout(600_000);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'softseg-files-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
function written(bytes: Uint8Array, ending = 'png'): string {
  const path = join(root, `${files++}.${ending}`);
  writeFileSync(path, bytes);
  return path;
}

describe('manifest.csv', () => {
  const READ = '({ readAnnotators }, path) => [...readAnnotators(path)]';
  const annotators = (paths: string[]) => eachOf('brain/manifest.js', READ, paths).told;

  test('is read as spreadsheet programs write it', () => {
    const texts = [
      'file,annotators\na.png,3\nb c.png,12\n',
      '\ufefffile,annotators\r\na.png,3\r\nb c.png,12',
      '"annotators","file","by"\n\n"3","a.png","x, ""y"""\n 12 , b c.png ,\n\n',
    ];
    for (const told of annotators(texts.map((text) => written(Buffer.from(text), 'csv')))) {
      expect(told).toEqual({ ok: [['a.png', 3], ['b c.png', 12]] }); // prettier-ignore
    }
  });

  test('is refused, with the line, where it is ambiguous', () => {
    const columns = 'needs the columns file and annotators';
    const count = (given: string) =>
      `line 2 has annotators ${JSON.stringify(given)}, not a whole number from 1 to 999999`;
    const cases: [string | Buffer, string][] = [
      ['', columns],
      ['file;annotators\na.png;3\n', columns],
      [Buffer.from('file,annotators\na.png,3\n', 'utf16le'), columns],
      [Buffer.from(someRows(9, 90)), columns],
      ...['', '0', '-1', '1.5', '1e300', '0x10', 'Infinity', '1000000', '９'].map((given): [string, string] => {
        return [`file,annotators\na.png,${given}\n`, count(given)];
      }),
      ['file,annotators\na.png,3\na.png,4\n', 'line 3 has "a.png" twice'],
      ['file,annotators\na.png,3,4\n', 'line 2 must have 2 cells, like the first line'],
      ['file,annotators\na,b.png,3\n', 'line 2 must have 2 cells, like the first line'],
      ['file,annotators\n"a.png,3\n', 'line 2 must have 2 cells, like the first line'],
      ['file,annotators\n"a"b.png,3\n', 'line 2 must have 2 cells, like the first line'],
      [`file,annotators\n${' '.repeat(1e5)}"x,3\n`, 'line 2 must have 2 cells, like the first line'],
    ];
    const paths = cases.map(([text]) => written(Buffer.from(text), 'csv'));
    annotators(paths).forEach((told, i) => expect(told).toEqual(refusal(paths[i]!, cases[i]![1])));
  });

  test('is refused where it is not a file, and not waited for', () => {
    const at = (name: string) => join(root, name);
    mkdirSync(at('folder.csv'));
    symlinkSync(at('nowhere'), at('dangling.csv'));
    execFileSync('mkfifo', [at('pipe.csv')]);
    const paths = ['folder.csv', 'dangling.csv', 'pipe.csv'].map(at);
    annotators(paths).forEach((told, i) => expectNamed(told, paths[i]!));
    expect(annotators([at('missing.csv')])).toEqual([{ ok: [] }]);
  });

  test('is refused when damaged anywhere, or lists whole numbers', () => {
    const text = Buffer.from('file,annotators\ntrain_1.png,5\ntrain_2.png,5\n"test_1.png",12\n');
    const paths = [...damaged(text)].map(({ bytes }) => written(bytes, 'csv'));
    annotators(paths).forEach((told, i) => {
      if (told.error !== undefined) expectNamed(told, paths[i]!);
      else for (const [, count] of told.ok as [string, number][]) expect(count).toBeGreaterThan(0);
    });
  });
});

describe('the brain slices', () => {
  const DATA = 'examples/brain/data';
  const SUM = `({ bundledDataset }, folder) => {
    const { train, test } = bundledDataset(folder);
    return [train, test].map((part) =>
      part.map(({ file, labels }) => [file, labels.reduce((a, b, i) => a + b * (i % 97), 0)]));
  }`;
  /** A folder of the data with another content of one file. */
  const withFile = (name: string, bytes: Uint8Array) => {
    const folder = join(root, `data${files++}`);
    mkdirSync(folder);
    for (const file of readdirSync(DATA)) if (file !== name) symlinkSync(resolve(DATA, file), join(folder, file));
    writeFileSync(join(folder, name), bytes);
    return folder;
  };

  test('are refused when damaged anywhere', () => {
    const file = 'train_03.png';
    const cases = [...damaged(readFileSync(join(DATA, file)), { some: 8, most: 200 })];
    const folders = cases.map(({ bytes }) => withFile(file, bytes));
    const { told } = eachOf('brain/bundled.js', SUM, folders);
    folders.forEach((folder, i) => expectNamed(told[i]!, join(folder, file)));
  });

  test('with a damaged list are refused, or are the same slices', () => {
    const list = readFileSync(join(DATA, 'slices.csv'));
    const folders = [list, ...[...damaged(list, { some: 12, most: 200 })].map(({ bytes }) => bytes)].map((bytes) =>
      withFile('slices.csv', bytes),
    );
    const [right, ...told] = eachOf('brain/bundled.js', SUM, folders).told;
    const refused = told.filter(({ error }) => error !== undefined);
    for (const { ok } of told) if (ok !== undefined) expect(ok).toEqual(right!.ok);
    for (const { error } of refused) expect(error).toMatch(/data\d+\/(slices\.csv|\w+\.png): /);
    expect(refused.length).toBeGreaterThan(told.length / 2);
  });
});
