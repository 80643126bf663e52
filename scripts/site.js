// Builds the documentation into site/, by VitePress: the guide and the other pages of docs, the API from the
// docstrings, and the playground. Fails on a broken link, on a warning of TypeDoc, and on a function or class without
// documentation. Everything is static, and nothing is loaded from elsewhere.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { build, createServer } from 'vitepress';
import { commandLine, UsageError } from './options.js';
import { GENERATED, ROOT } from './site/.vitepress/pages.js';
import { writeApi } from './site/api.js';
import { brokenLinks } from './site/links.js';

const HERE = join(ROOT, 'scripts/site');
const PLAYGROUND = join(ROOT, 'playground/dist');

const { base, dev, rest } = commandLine({
  usage: 'npm run site -- [FOLDER] [options]',
  about: 'Builds the documentation as a static site.',
  rest: { name: 'FOLDER', about: 'where the site goes (default: site)' },
  options: {
    base: { value: '/PATH/', parse: folderOnHost, default: '/', about: 'the place of the site on its host' },
    dev: { about: 'serve the site instead, and show changes of pages at once' },
  },
});
const site = resolve(rest ?? join(ROOT, 'site'));

function folderOnHost(text) {
  if (!/^\/(.*\/)?$/.test(text)) throw new UsageError('must begin and end with a slash');
  return text;
}

async function prepare() {
  rmSync(GENERATED, { recursive: true, force: true });
  await writeApi();
  if (!existsSync(join(PLAYGROUND, 'index.html'))) {
    execFileSync('npm', ['run', 'build', '-w', 'playground'], { cwd: ROOT, stdio: 'inherit' });
  }
  mkdirSync(join(GENERATED, 'public'), { recursive: true });
  cpSync(PLAYGROUND, join(GENERATED, 'public/playground'), { recursive: true });
  copyFileSync(join(ROOT, 'scripts/site/favicon.svg'), join(GENERATED, 'public/favicon.svg'));
}

try {
  await prepare();
  if (dev) {
    const server = await createServer(HERE, { base });
    await server.listen();
    server.printUrls();
  } else {
    await build(HERE, { base, outDir: site });
    const { broken, pages, links } = brokenLinks(site, base);
    for (const link of broken) console.error(link);
    if (broken.length > 0) throw new Error(`${broken.length} broken links`);
    console.log(`${pages} pages and ${links} links in ${relative(process.cwd(), site) || basename(site)}`);
  }
} catch (error) {
  console.error(`the site was not built: ${error.message}`);
  process.exitCode = 1;
}
