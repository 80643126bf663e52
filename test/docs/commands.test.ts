/** Commands that the documentation and the workflows name are there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { markdownBelow, ROOT } from './codeBlocks.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const workspaces = { '': '.', examples: 'examples', playground: 'playground' };

const scripts = new Map(
  Object.entries(workspaces).map(([name, folder]) => {
    const { scripts = {} } = JSON.parse(read(join(folder, 'package.json'))) as { scripts?: Record<string, string> };
    return [name, scripts];
  }),
);

/** The scripts that a text runs, each with its workspace. */
function commandsIn(text: string): [script: string, workspace: string][] {
  const found = text.matchAll(/\bnpm (?:run (?:--silent )?([\w:]+)|(test)\b)(?:[^\n&|`]*? -w (\w+))?/g);
  return [...found].map(([, script, test, workspace = '']) => [script ?? test!, workspace]);
}

const missingIn = (text: string) =>
  commandsIn(text)
    .filter(([script, workspace]) => !(script in (scripts.get(workspace) ?? {})))
    .map(([script, workspace]) => `${script} ${workspace}`.trim());

const workflows = readdirSync(join(ROOT, '.github/workflows')).map((name) => `.github/workflows/${name}`);
const pages = ['README.md', 'CONTRIBUTING.md', '.ci/run', 'package.json', 'bench/README.md', 'playground/README.md'];

test.each([...pages, ...workflows, ...markdownBelow('docs')])('%s names only commands that there are', (page) => {
  expect(missingIn(read(page))).toEqual([]);
});

test('commands are found in prose, in workspaces and in a row', () => {
  const text =
    'Say `npm run lint`, `npm run build -w playground`\n`npm test` or npm run --silent a:b && npm run c -- -x';
  const all = [
    ['lint', ''],
    ['build', 'playground'],
    ['test', ''],
    ['a:b', ''],
    ['c', ''],
  ];
  expect(commandsIn(text)).toEqual(all);
  expect(missingIn(text)).toEqual(['a:b', 'c']);
});
