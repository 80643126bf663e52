// The pages of the site: files of the repository, in their order in the contents, and where each of them lies.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** The folder that `npm run site` fills before VitePress runs, with `api/`, the API's pages, and `public/`. */
const FOLDER = 'site.generated';
export const GENERATED = join(ROOT, FOLDER);

const GUIDE = [
  'README',
  'choosing',
  'softLabels',
  'relaxations',
  '../training',
  'backends',
  'deploying',
  'speed',
  'questions',
];
const REFERENCE = [
  'docs/definitions.md',
  'examples/README.md',
  'examples/brain/README.md',
  'bench/README.md',
  'CHANGELOG.md',
];
const PROJECT = ['docs/architecture.md', 'CONTRIBUTING.md', 'SECURITY.md'];

/** Titles for the contents, for pages whose heading is too long there. */
const SHORT = {
  'README.md': 'Overview',
  'docs/guide/README.md': 'Guide',
  'docs/losses/README.md': 'All losses',
  'docs/decisions/README.md': 'Decisions',
  'examples/brain/README.md': 'Demo: brain tissue',
};

/** [heading, files below ROOT]; a page of docs that has no other place is in the reference. */
function sections() {
  const all = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.replaceAll('\\', '/')}`)
    .sort();
  /** The pages of a folder. The README, which lists the others, is first. */
  const pagesOf = (folder) => {
    const list = `docs/${folder}/README.md`;
    return [list, ...all.filter((file) => file.startsWith(`docs/${folder}/`) && file !== list)];
  };
  const guide = GUIDE.map((name) => join('docs/guide', `${name}.md`));
  const losses = pagesOf('losses');
  const project = [...PROJECT, ...pagesOf('decisions')];
  const placed = new Set([...guide, ...losses, ...REFERENCE, ...project]);
  return [
    ['Guide', ['README.md', ...guide]],
    ['Losses', losses],
    ['Reference', [...REFERENCE, ...all.filter((file) => !placed.has(file))]],
    ['Project', project],
  ];
}

const FILES = new Set(sections().flatMap(([, files]) => files));

/** Markdown files of the repository that are no pages, for VitePress, which takes all that it finds. */
export const NO_PAGES = [
  `!(docs|examples|bench|${FOLDER})/**/*.md`,
  'examples/!(brain)/**/*.md',
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md') && !FILES.has(file)),
];

/** The path of a file's page below the site's root, ending in .md; undefined if the file is not a page. */
export function pageOf(file) {
  if (file.startsWith(`${FOLDER}/`)) return file.endsWith('.md') ? file.slice(FOLDER.length + 1) : undefined;
  return FILES.has(file) ? file.replace(/^docs\//, '').replace(/README\.md$/, 'index.md') : undefined;
}

const FILE_OF_PAGE = new Map([...FILES].map((file) => [pageOf(file), file]));

/** The file of a page. */
export const fileOf = (page) => FILE_OF_PAGE.get(page) ?? `${FOLDER}/${page}`;

const titleOf = (file) => SHORT[file] ?? /^# (.*)$/m.exec(readFileSync(join(ROOT, file), 'utf8'))[1];

/** The contents of all pages except those of the API. */
export const contents = () =>
  sections().map(([text, files]) => ({
    text,
    collapsed: text === 'Losses' ? true : undefined,
    items: files.map((file) => ({ text: titleOf(file), link: `/${pageOf(file)}` })),
  }));

/** The contents of the API, as TypeDoc's plugin has written them: entries, categories in them, and pages in these. */
export const apiContents = () => JSON.parse(readFileSync(join(GENERATED, 'api/typedoc-sidebar.json'), 'utf8'));

/**
 * The API's page for each name that the package exports. If two entries export a name, the page is that of the first
 * one.
 */
export function apiPages() {
  const pages = new Map();
  const add = ({ text, link, items }) => {
    if (items) items.forEach(add);
    else if (!pages.has(text)) pages.set(text, link);
  };
  apiContents().forEach(add);
  return pages;
}
