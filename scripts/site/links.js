// The links of a built site.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { LinkChecker } from 'linkinator';

/** The HTML files below a folder, but for the playground, which makes its content itself. */
export const pagesIn = (folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html') && !file.startsWith('playground'))
    .map((file) => join(folder, file));

/**
 * What is wrong with the links of all pages in a folder, to other pages, to places in pages, to pictures and scripts.
 * They are followed with the folder below the root of its host, so that a link from the root does not work either.
 * Links to other hosts are not followed.
 */
export async function brokenLinks(folder) {
  const above = resolve(folder, '..');
  const { links } = await new LinkChecker().check({
    path: pagesIn(folder).map((page) => relative(above, page)),
    serverRoot: above,
    checkFragments: true,
    linksToSkip: ['^(?!http://localhost)'],
  });
  const place = (address) => address.replace(/^http:\/\/localhost:\d+\//, '');
  const broken = links
    .filter(({ state }) => state === 'BROKEN')
    .map(({ url, parent }) => `${parent ? place(parent) : namedIn(folder, url)}: ${place(url)} is not there`);
  return { broken: [...new Set(broken)], count: links.filter(({ state }) => state === 'OK').length };
}

/** For a place in a page the checker does not say who links to it. */
function namedIn(folder, url) {
  const end = url.split('/').at(-1);
  const pages = pagesIn(folder).filter((page) => readFileSync(page, 'utf8').includes(end));
  return pages.map((page) => relative(resolve(folder, '..'), page)).join(', ');
}
