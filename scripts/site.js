// Builds the documentation into site/: the guide and the other pages of docs, and the API from the docstrings, by
// TypeDoc; beside them the playground, if it is built. Fails on a broken link, and on a function or class without
// documentation. Everything is static and relative: it works from any path, from a file too, and without a network.
//
//   node scripts/site.js [FOLDER]
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { Application, LogLevel, ReflectionKind, TSConfigReader } from 'typedoc';
import { brokenLinks, pagesIn } from './site/links.js';
import { documents, entries, ROOT } from './site/pages.js';
import { useTheme } from './site/theme.js';

const SITE = resolve(process.argv[2] ?? join(ROOT, 'site'));
const PLAYGROUND = join(ROOT, 'playground/dist');

async function build() {
  const playground = existsSync(join(PLAYGROUND, 'index.html'));
  const app = await Application.bootstrap(
    {
      name: 'softseg',
      includeVersion: true,
      tsconfig: join(ROOT, 'tsconfig.json'),
      entryPoints: [...entries().keys()],
      readme: join(ROOT, 'README.md'),
      projectDocuments: documents(),
      excludeExternals: true,
      excludePrivate: true,
      excludeProtected: true,
      visibilityFilters: {},
      disableSources: true,
      disableGit: true,
      theme: 'softseg',
      router: 'softseg',
      customCss: join(ROOT, 'scripts/site/style.css'),
      favicon: join(ROOT, 'scripts/site/favicon.svg'),
      lightHighlightTheme: 'github-light',
      darkHighlightTheme: 'github-dark-default',
      highlightLanguages: ['typescript', 'javascript', 'bash', 'html', 'json', 'yaml', 'dockerfile'],
      headings: { readme: false, document: false },
      categorizeByGroup: false,
      categoryOrder: [
        'Losses',
        'Sums',
        'Relaxations',
        'Training',
        'Annotators',
        'Scores',
        'Distances',
        'Running',
        '*',
        'Types',
      ],
      includeHierarchySummary: false,
      searchInDocuments: true,
      hideGenerator: true,
      customFooterHtml: 'softseg: soft segmentation losses and relaxations for TensorFlow.js. Apache 2.0.',
      // Types that a signature names without exporting them are internal on purpose; their fields are shown in place.
      validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
      logLevel: LogLevel.Warn,
    },
    [new TSConfigReader()],
  );
  useTheme(app, { playground });
  const project = await app.convert();
  if (project) {
    app.validate(project);
    for (const name of undocumented(project)) app.logger.error(`${name} has no documentation`);
    await app.generateDocs(project, SITE);
  }
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('see above');
  plainFiles();
  if (playground) cpSync(PLAYGROUND, join(SITE, 'playground'), { recursive: true });
}

/** Exported functions and classes, and their methods, without a word on what they do. */
function undocumented(project) {
  const found = project
    .getReflectionsByKind(ReflectionKind.FunctionOrMethod | ReflectionKind.Class)
    .filter((reflection) => {
      if (reflection.kindOf(ReflectionKind.Method) && !reflection.parent.kindOf(ReflectionKind.Class)) return false;
      return [reflection, ...(reflection.signatures ?? [])].every((said) => !said.comment?.summary.length);
    });
  return found.map((reflection) => reflection.getFullName());
}

/** Sources that pages link to are shown as text, whatever a server takes their ending for (.ts is a film to some). */
function plainFiles() {
  const media = join(SITE, 'media');
  const sources = readdirSync(media).filter((file) => !/\.(svg|png|jpe?g|gif|webp|html|txt)$/.test(file));
  for (const file of sources) renameSync(join(media, file), join(media, `${file}.txt`));
  for (const page of pagesIn(SITE)) {
    const html = readFileSync(page, 'utf8');
    const linked = sources.reduce((text, file) => text.replaceAll(`/media/${file}"`, `/media/${file}.txt"`), html);
    const own = sources.reduce((text, file) => text.replaceAll(`"media/${file}"`, `"media/${file}.txt"`), linked);
    if (own !== html) writeFileSync(page, own);
  }
}

try {
  await build();
  const { broken, count } = await brokenLinks(SITE);
  for (const link of broken) console.error(link);
  if (broken.length > 0) throw new Error(`${broken.length} broken links`);
  console.log(`${pagesIn(SITE).length} pages and ${count} links in ${relative(process.cwd(), SITE) || basename(SITE)}`);
} catch (error) {
  console.error(`the site was not built: ${error.message}`);
  process.exitCode = 1;
}
