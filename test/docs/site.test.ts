/** The documentation as a site: it builds, all of its links work, and it loads nothing from elsewhere. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { browserEntries } from '../support/entries.js';
import { markdownBelow, ROOT, valuesExportedBy } from './codeBlocks.js';

const folder = mkdtempSync(join(tmpdir(), 'softseg-site-'));
const site = join(folder, 'site');
const MINUTES = 60_000;

const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
const filesBelow = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' });

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the site', () => {
  beforeAll(() => {
    const { status, stdout, stderr } = node('scripts/site.js', site);
    if (status !== 0) throw new Error(stdout + stderr);
  }, 5 * MINUTES);

  test('has a page for everything that the package exports', () => {
    const missing = browserEntries().flatMap(([entry, source]) => {
      const pages = readdirSync(join(site, entry.replace('softseg', 'api')));
      // A page has a number where a type has the same name up to the case of its first letter: some file systems ignore
      // case.
      const has = (name: string) => pages.includes(`${name}.html`) || pages.includes(`${name}-1.html`);
      return valuesExportedBy(source).filter((name) => !has(name));
    });
    expect(missing).toEqual([]);
    expect(existsSync(join(site, 'api/node/load.html'))).toBe(true);
  });

  test('has a page for every page of docs', () => {
    const page = (file: string) =>
      file
        .replace(/^docs\//, '')
        .replace(/README\.md$/, 'index.md')
        .replace(/\.md$/, '.html');
    const missing = markdownBelow('docs').filter((file) => !existsSync(join(site, page(file))));
    expect(missing).toEqual([]);
  });

  test('has all of them in its table of contents', () => {
    const contents = readFileSync(join(site, 'assets/navigation.js'), 'utf8');
    const [, zipped] = /"([A-Za-z0-9+/=]{100,})"/.exec(contents)!;
    const code = `const { inflateSync } = await import('node:zlib');
      console.log(inflateSync(Buffer.from(process.argv[1], 'base64')).toString());`;
    const { stdout } = node('--input-type=module', '-e', code, zipped!);
    const paths = [
      'guide/questions.html',
      'losses/iouLoss.html',
      'definitions.html',
      'decisions/onePackage.html',
      'api/iouLoss.html',
      'api/metrics/MeanIou.html',
    ];
    for (const path of paths) expect(stdout).toContain(path);
  });

  test('loads nothing from another host', () => {
    const texts = filesBelow(site).filter((file) => /\.(html|css)$/.test(file) && !file.startsWith('playground'));
    const loads =
      /<(?:script|img|iframe|source)[^>]*\ssrc="(?:https?:)?\/\/|<link[^>]*href="(?:https?:)?\/\/|@import|url\(["']?(?:https?:)?\/\//;
    expect(texts.filter((file) => loads.test(readFileSync(join(site, file), 'utf8')))).toEqual([]);
  });
});

test('a broken link, a missing anchor and a link from the root are found', () => {
  const small = join(folder, 'small');
  mkdirSync(join(small, 'inner'), { recursive: true });
  const links = ['inner/b.html', 'inner/b.html#here', 'inner/b.html#nowhere', 'inner/c.html', '/inner/b.html'];
  writeFileSync(join(small, 'a.html'), links.map((link) => `<a href="${link}">x</a>`).join(''));
  writeFileSync(join(small, 'inner/b.html'), '<h1 id="here">b</h1><img src="../missing.png">');
  const code = `import { brokenLinks } from './scripts/site/links.js';
    console.log(JSON.stringify(await brokenLinks(process.argv[1])));`;
  const { stdout, stderr } = node('--input-type=module', '-e', code, small);
  if (!stdout) throw new Error(stderr);
  const { broken } = JSON.parse(stdout) as { broken: string[] };
  expect([...broken].sort()).toEqual([
    'small/a.html: inner/b.html is not there',
    'small/a.html: small/inner/b.html#nowhere is not there',
    'small/a.html: small/inner/c.html is not there',
    'small/inner/b.html: small/missing.png is not there',
  ]);
});

test('no line of a paragraph begins with a list marker', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'bench/README.md',
    'examples/brain/README.md',
    ...markdownBelow('docs'),
  ];
  const wrong = pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    const lines = text.split('\n');
    const isItem = (line: string) => /^(1[.)]|[-+*]) /.test(line);
    const inList = (i: number) => /^( {2,}|\d+[.)] |[-+*] )/.test(lines[i - 1] ?? '');
    return lines.flatMap((line, i) => (isItem(line) && lines[i - 1]?.trim() && !inList(i) ? [`${page}: ${line}`] : []));
  });
  expect(wrong).toEqual([]);
});
