// Builds the documentation into site/, by VitePress: the guide and the other pages of docs, the API from the
// docstrings, and the playground. Fails on a broken link, on a warning of TypeDoc, and on a function or class without
// documentation. Everything is static, and nothing is loaded from elsewhere.
//
//   node scripts/site.js [FOLDER] [--base /PATH/]    builds it for the place /PATH/ on its host; default /
//   node scripts/site.js --dev                       serves the site, and shows changes of pages at once
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, createServer } from 'vitepress';
import { GENERATED, ROOT } from './site/.vitepress/pages.js';
import { writeApi } from './site/api.js';
import { brokenLinks } from './site/links.js';

const HERE = join(ROOT, 'scripts/site');
const PLAYGROUND = join(ROOT, 'playground/dist');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { base: { type: 'string', default: '/' }, dev: { type: 'boolean', default: false } },
});
const site = resolve(positionals[0] ?? join(ROOT, 'site'));

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
  if (!/^\/(.*\/)?$/.test(values.base)) throw new Error(`--base begins and ends with a slash; got ${values.base}`);
  await prepare();
  if (values.dev) {
    const server = await createServer(HERE, { base: values.base });
    await server.listen();
    server.printUrls();
  } else {
    await build(HERE, { base: values.base, outDir: site });
    const { broken, pages, links } = brokenLinks(site, values.base);
    for (const link of broken) console.error(link);
    if (broken.length > 0) throw new Error(`${broken.length} broken links`);
    console.log(`${pages} pages and ${links} links in ${relative(process.cwd(), site) || basename(site)}`);
  }
} catch (error) {
  console.error(`the site was not built: ${error.message}`);
  process.exitCode = 1;
}
