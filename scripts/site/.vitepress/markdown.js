// The Markdown of the pages is written for readers of the repository. Here the site changes it: links lead to pages,
// names of functions to their documentation, and linked sources are shown as text.
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { apiPages, fileOf, GENERATED, pageOf, ROOT } from './pages.js';

/** The anchor of a heading, as GitHub makes it. */
export const anchorOf = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');

export function extendMarkdown(md) {
  const api = apiPages();
  md.core.ruler.before('normalize', 'crossLinks', (state) => {
    const line = crossLinks(state.env.relativePath, api);
    if (line) state.src = state.src.replace(/^# .*$/m, (heading) => `${heading}\n\n${line}`);
  });
  md.core.ruler.push('links', (state) => {
    const page = state.env.relativePath;
    let heading = false;
    for (const token of state.tokens) {
      if (token.type === 'heading_open') heading = true;
      if (token.type === 'heading_close') heading = false;
      if (token.type !== 'inline') continue;
      token.children = linkNames(linkFiles(token.children, fileOf(page)), heading ? new Map() : api, page, state.Token);
    }
  });
}

/**
 * The line of links under a page's title: from the page of a loss to the API and back, and from options to their
 * function.
 */
function crossLinks(page, api) {
  const name = basename(page, '.md');
  const link = (to) => (api.has(to) ? [`[${to}](${api.get(to)})`] : []);
  const options = link(`${name[0].toUpperCase()}${name.slice(1)}Options`);
  if (page.startsWith('losses/') && api.has(name)) return `API: ${[...link(name), ...options].join(', ')}`;
  if (`/${page}` !== api.get(name)) return undefined;
  const owner = /^(.)(.*)Options$/.exec(name);
  const [taken] = owner ? link(`${owner[1].toLowerCase()}${owner[2]}`) : [];
  const guide = pageOf(`docs/losses/${name}.md`);
  const lines = [
    ...(guide ? [`[When to use it, and its picture](/${guide})`] : []),
    ...options.map((type) => `Options: ${type}`),
    ...(taken ? [`The options of ${taken}`] : []),
  ];
  return lines.join(' · ');
}

/**
 * Makes the links in a file lead to pages, or to copies of sources. A link to a folder without a page is removed, and
 * only its text stays. A link to a file that does not exist stays as it is, so that the check of links finds it.
 */
function linkFiles(tokens, file) {
  let folder = false;
  return tokens.filter((token) => {
    if (token.type === 'link_close' && folder) return (folder = false);
    if (token.type !== 'link_open') return true;
    const href = token.attrs.find(([name]) => name === 'href');
    const [, path, place = ''] = /^([^#]*)(#.*)?$/.exec(href[1]);
    if (!path || /^(\/|[a-z]+:)/.test(path)) return true;
    const target = join(dirname(file), decodeURI(path));
    const found = statSync(join(ROOT, target), { throwIfNoEntry: false });
    folder = found?.isDirectory() ?? false;
    const page = pageOf(folder ? join(target, 'README.md') : target);
    if (page) folder = false;
    if (page) href[1] = `/${page}${place}`;
    else if (found?.isFile()) href[1] = `/${copyOf(target)}`;
    return !folder;
  });
}

/**
 * Copies a source into the folder that VitePress copies to the site. Its name gets the ending .txt, because some
 * servers take a file that ends in .ts for a film.
 */
function copyOf(file) {
  const copy = `sources/${file}${/\.(png|svg|txt)$/.test(file) ? '' : '.txt'}`;
  const there = join(GENERATED, 'public', copy);
  mkdirSync(dirname(there), { recursive: true });
  copyFileSync(join(ROOT, file), there);
  return copy;
}

/** Names of functions that are also names of options. A link would often lead to the wrong place. */
const AMBIGUOUS = ['overlap'];

/** Makes each `name` in the text a link to the documentation of the export of that name. */
function linkNames(tokens, api, page, Token) {
  let inLink = 0;
  return tokens.flatMap((token) => {
    inLink += { link_open: 1, link_close: -1 }[token.type] ?? 0;
    const there = token.type === 'code_inline' && !inLink && api.get(token.content);
    if (!there || there === `/${page}` || AMBIGUOUS.includes(token.content)) return [token];
    const open = new Token('link_open', 'a', 1);
    open.attrs = [['href', there]];
    return [open, token, new Token('link_close', 'a', -1)];
  });
}
