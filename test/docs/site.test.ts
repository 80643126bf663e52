/** The documentation as a site: it builds, all of its links work, and it loads nothing from elsewhere. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { launch } from '../browser/launch.cjs';
import { browserEntries } from '../support/entries.js';
import { markdownBelow, ROOT, valuesExportedBy } from './codeBlocks.js';

const folder = mkdtempSync(join(tmpdir(), 'softseg-site-'));
const site = join(folder, 'site');
const BASE = '/some/where/';
const MINUTES = 60_000;

const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
const read = (page: string) => readFileSync(join(site, page), 'utf8');
const apiPage = (entry: string, name: string) =>
  ['functions', 'classes', 'variables', 'interfaces']
    .map((kind) => `api/${entry}/${kind}/${name}.html`)
    .find((page) => existsSync(join(site, page)));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the site', () => {
  beforeAll(() => {
    const { status, stdout, stderr } = node('scripts/site.js', site, '--base', BASE);
    if (status !== 0) throw new Error(stdout + stderr);
  }, 10 * MINUTES);

  test('has a page for everything that the package exports', () => {
    const missing = browserEntries().flatMap(([entry, source]) =>
      valuesExportedBy(source).filter((name) => !apiPage(entry, name)),
    );
    expect(missing).toEqual([]);
    expect(apiPage('softseg/node', 'load')).toBeDefined();
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

  test.each([
    ['index.html', ['guide/questions.html', 'losses/iouLoss.html', 'definitions.html', 'decisions/onePackage.html']],
    ['index.html', ['api/', 'playground/index.html', 'CHANGELOG.html', 'CONTRIBUTING.html', 'bench/']],
    ['api/index.html', ['api/softseg/functions/iouLoss.html', 'api/softseg/metrics/classes/MeanIou.html']],
  ])('has them in the contents of %s', (page, paths) => {
    const html = read(page);
    expect(paths.filter((path) => !html.includes(`href="${BASE}${path}"`))).toEqual([]);
    expect(existsSync(join(site, 'playground/index.html'))).toBe(true);
  });

  test('leads from each loss to its function and its options, and back', () => {
    const losses = readdirSync(join(ROOT, 'docs/losses')).filter((file) => /^[a-z].*\.md$/.test(file));
    expect(losses.length).toBeGreaterThan(15);
    for (const loss of losses.map((file) => file.replace('.md', ''))) {
      const api = apiPage('softseg', loss)!;
      const options = new RegExp(
        `href="${BASE}(api/softseg/[a-z-]+/${loss[0]!.toUpperCase()}${loss.slice(1)}Options.html)"`,
      );
      const [, type] = options.exec(read(`losses/${loss}.html`)) ?? [];
      expect([loss, api]).toEqual([loss, `api/softseg/functions/${loss}.html`]);
      expect(read(`losses/${loss}.html`)).toContain(`href="${BASE}${api}"`);
      expect(read(api)).toContain(`href="${BASE}losses/${loss}.html"`);
      expect(read(api)).toMatch(options);
      expect(read(type!)).toContain(`href="${BASE}${api}"`);
    }
  });

  test('shows sources that pages link to as text', () => {
    expect(read('losses/index.html')).toContain(`href="${BASE}sources/test/losses/proper.test.ts.txt"`);
    expect(read('sources/test/losses/proper.test.ts.txt')).toBe(
      readFileSync(join(ROOT, 'test/losses/proper.test.ts'), 'utf8'),
    );
  });

  describe('in a browser', () => {
    let browser: Browser;
    let server: Server;
    let address: string;

    beforeAll(async () => {
      server = createServer((request, response) => {
        const path = new URL(request.url!, 'http://localhost').pathname;
        const file = join(site, path.slice(BASE.length), path.endsWith('/') ? 'index.html' : '');
        if (!path.startsWith(BASE) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
          response.writeHead(404).end();
          return;
        }
        response.writeHead(200, { 'content-type': TYPES[extname(file)] }).end(readFileSync(file));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;
      browser = await launch();
    }, MINUTES);

    afterAll(async () => {
      await browser.close();
      server.close();
    });

    /** A page, and what goes wrong in it: errors, warnings, failed requests, and requests to elsewhere. */
    async function open(path: string, width: number) {
      const page = await browser.newPage({ viewport: { width, height: 844 } });
      const troubles: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) troubles.push(message.text());
      });
      page.on('pageerror', (error) => troubles.push(error.message));
      page.on('response', (answer) => {
        if (answer.status() >= 400) troubles.push(`${answer.status()} ${answer.url()}`);
      });
      page.on('request', (request) => {
        if (!/^data:/.test(request.url()) && !request.url().startsWith(address)) troubles.push(request.url());
      });
      await page.goto(`${address}${path}`, { waitUntil: 'networkidle' });
      return { page, troubles };
    }

    test.each([390, 1280])(
      'pages fit into %d pixels, and load nothing from another host',
      async (width) => {
        for (const path of ['', 'definitions.html', 'losses/', 'api/softseg/interfaces/TverskyLossOptions.html']) {
          const { page, troubles } = await open(path, width);
          expect([path, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([path, width]);
          expect(troubles).toEqual([]);
          await page.close();
        }
      },
      MINUTES,
    );

    test(
      'the search finds pages and functions, pages first',
      async () => {
        const { page, troubles } = await open('', 1280);
        await page.locator('#local-search button').click();
        await page.locator('#localsearch-input').fill('iouLoss');
        const results = page.locator('#localsearch-list a');
        await results.first().waitFor();
        const found = await results.evaluateAll((links) => links.map((link) => link.getAttribute('href')));
        expect(found[0]).toMatch(/losses\/iouLoss\.html/);
        expect(found.join()).toMatch(/api\/softseg\/functions\/iouLoss\.html/);
        await results.first().click();
        await page.waitForURL(/losses\/iouLoss\.html/);
        await page.locator('h1', { hasText: 'iouLoss' }).waitFor();
        expect(troubles).toEqual([]);
      },
      MINUTES,
    );

    test(
      'the playground is a part of it',
      async () => {
        const { page, troubles } = await open('', 1280);
        await page.locator('nav').getByText('Playground', { exact: true }).first().click();
        await page.waitForURL(`${address}playground/index.html*`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        expect(troubles).toEqual([]);
      },
      MINUTES,
    );
  });
});

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

test('a broken link, a missing place in a page and a link beside the base are found', () => {
  const small = join(folder, 'small');
  mkdirSync(join(small, 'inner'), { recursive: true });
  const links = ['inner/b.html', 'inner/b.html#here', 'inner/b.html#nowhere', 'inner/c.html', '/inner/b.html'];
  const right = [`${BASE}inner/b.html`, 'https://elsewhere.org/x', 'inner/', '#top', 'data:,'];
  const page = [...links, ...right].map((link) => `<a href="${link}">x</a>`).join('');
  writeFileSync(join(small, 'a.html'), `<h1 id="top">a</h1>${page}`);
  writeFileSync(join(small, 'inner/index.html'), '');
  writeFileSync(join(small, 'inner/b.html'), '<h1 id="here">b</h1><img src="../missing.png">');
  const code = `import { brokenLinks } from './scripts/site/links.js';
    console.log(JSON.stringify(brokenLinks(process.argv[1], '${BASE}')));`;
  const { stdout, stderr } = node('--input-type=module', '-e', code, small);
  if (!stdout) throw new Error(stderr);
  const { broken } = JSON.parse(stdout) as { broken: string[] };
  expect([...broken].sort()).toEqual([
    'a.html: /inner/b.html is not there',
    'a.html: inner/b.html#nowhere is not there',
    'a.html: inner/c.html is not there',
    'inner/b.html: ../missing.png is not there',
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
