/** A release: changes described in .changeset become a version and its section of the changelog. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const ROOT = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'softseg-release-test-'));
const CHANGE = '.changeset/kind-words.md';
const TEXT = '`diceLoss` is kinder.';

const read = (path: string) => readFileSync(join(folder, path), 'utf8');
const manifest = (path: string) => JSON.parse(read(path)) as { version?: string };
const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], { cwd: folder });

interface State {
  pending: string[];
  section?: string;
}

/** The answers to what scripts/publish.js asks about the folder and the version in its package.json. */
function state(): State {
  const changelog = JSON.stringify(pathToFileURL(join(ROOT, 'scripts/changelog.js')));
  const code = `import { pendingChanges, sectionOf } from ${changelog};
    const section = sectionOf('.', ${JSON.stringify(manifest('package.json').version)});
    console.log(JSON.stringify({ pending: pendingChanges('.'), section }));`;
  return JSON.parse(node('--input-type=module', '-e', code)) as State;
}

let before: State;
let oldChangelog: string;
let oldVersion: string;

beforeAll(() => {
  const parts = ['package.json', 'CHANGELOG.md', '.changeset/config.json', '.changeset/README.md'];
  for (const path of [...parts, 'examples/package.json', 'playground/package.json']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path));
  }
  oldChangelog = read('CHANGELOG.md');
  oldVersion = manifest('package.json').version!;
  writeFileSync(join(folder, CHANGE), `---\n'softseg': minor\n---\n\n${TEXT}\n`);
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=all');
  before = state();
  node(join(ROOT, 'node_modules/@changesets/cli/bin.js'), 'version');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a change that no version has yet is found', () => {
  expect(before.pending).toEqual([CHANGE]);
});

test('the version rises by what the change says, in the root alone', () => {
  const [major, minor] = oldVersion.split('.').map(Number);
  expect(manifest('package.json').version).toBe(`${major}.${minor! + 1}.0`);
  for (const path of ['examples/package.json', 'playground/package.json']) {
    expect(read(path)).toBe(readFileSync(join(ROOT, path), 'utf8'));
  }
});

test('the change becomes a section of the changelog above the others, which stay as they were', () => {
  const { pending, section } = state();
  expect(pending).toEqual([]);
  expect(existsSync(join(folder, CHANGE))).toBe(false);
  expect(section).toMatch(/^### Minor Changes\n\n- (\w+: )?`diceLoss` is kinder\.$/);
  const [title, ...old] = oldChangelog.split('\n');
  const changelog = read('CHANGELOG.md');
  expect(changelog.startsWith(`${title}\n\n## ${manifest('package.json').version}\n`)).toBe(true);
  expect(changelog.endsWith(old.join('\n'))).toBe(true);
});

test('a version without a section has none, and a heading without text is no section', () => {
  const [title, ...rest] = read('CHANGELOG.md').split('\n');
  const { version } = manifest('package.json');
  writeFileSync(join(folder, 'CHANGELOG.md'), [title, ...rest].join('\n').replace(`## ${version}\n`, '## 99.0.0\n'));
  expect(state().section).toBeUndefined();
  writeFileSync(join(folder, 'CHANGELOG.md'), `# Changelog\n\n## ${version}\n\n## 0.0.1\n\n- A line.\n`);
  expect(state().section).toBeUndefined();
});
