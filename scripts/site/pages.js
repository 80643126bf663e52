// What the site is made of: its documents in their order, and the entry points of the package.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const GUIDE = [
  'docs/guide/README.md',
  'docs/guide/choosing.md',
  'docs/guide/softLabels.md',
  'docs/guide/relaxations.md',
  'docs/training.md',
  'docs/guide/backends.md',
  'docs/guide/speed.md',
  'docs/guide/questions.md',
];
const REFERENCE = [
  'docs/definitions.md',
  'examples/brain/README.md',
  'bench/README.md',
  'docs/architecture.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
];
/** Where a title in the contents should be shorter than the page's heading. */
const SHORT = {
  'docs/guide/README.md': 'Guide',
  'docs/losses/README.md': 'All losses',
  'docs/decisions/README.md': 'All decisions',
  'examples/brain/README.md': 'Demo: brain tissue',
};

/** [heading, files relative to ROOT]; a page of docs that nobody has put anywhere is in the last. */
export function sections() {
  const all = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.replaceAll('\\', '/')}`)
    .sort();
  /** The pages of a folder, its list of them first. */
  const pagesOf = (folder) => {
    const list = `docs/${folder}/README.md`;
    return [list, ...all.filter((file) => file.startsWith(`docs/${folder}/`) && file !== list)];
  };
  const [losses, decisions] = [pagesOf('losses'), pagesOf('decisions')];
  const others = all.filter((file) => ![...GUIDE, ...REFERENCE, ...losses, ...decisions].includes(file));
  return [
    ['Guide', GUIDE.filter((file) => existsSync(join(ROOT, file)))],
    ['Losses', losses],
    ['Reference', [...REFERENCE, ...others]],
    ['Decisions', decisions],
  ];
}

export const documents = () => sections().flatMap(([, files]) => files.map((file) => join(ROOT, file)));

/** The first heading of a Markdown file. */
export const titleOf = (file) => SHORT[file] ?? /^# (.*)$/m.exec(readFileSync(join(ROOT, file), 'utf8'))[1];

/** The sources of what the package exports, with the name under which it is imported. */
export function entries() {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const found = Object.entries(exports).flatMap(([path, conditions]) => {
    const source = typesOf(conditions)
      ?.replace('./dist/', 'src/')
      .replace(/\.d\.ts$/, '.ts');
    return source && existsSync(join(ROOT, source)) ? [[join(ROOT, source), join(name, path)]] : [];
  });
  return new Map(found.reverse()); // the first name of a source that has several
}

function typesOf(conditions) {
  if (typeof conditions !== 'object' || conditions === null) return undefined;
  const { types } = conditions;
  return typeof types === 'string' ? types : Object.values(conditions).map(typesOf).find(Boolean);
}
