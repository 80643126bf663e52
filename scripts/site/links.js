// The links of a built site.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Finds broken links in all pages of a folder that lies at `base` on its host: links to other pages, to places in
 * pages, to pictures and scripts. Links to other hosts are not followed, and the playground's pages are not checked.
 */
export function brokenLinks(folder, base = '/') {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.html') && !file.startsWith('playground/'));
  const places = new Map();
  const links = pages.flatMap((page) => {
    const html = readFileSync(join(folder, page), 'utf8');
    places.set(page, new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)));
    const addresses = [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, address]) => address);
    return [...new Set(addresses)].map((address) => [page, address.replaceAll('&amp;', '&')]);
  });
  const leadsToSomething = ([page, address]) => {
    const { host, pathname, hash } = new URL(address, `http://site${base}${page}`);
    if (host !== 'site') return true;
    if (!pathname.startsWith(base)) return false;
    const file = decodeURIComponent(pathname.slice(base.length)).replace(/(^|\/)$/, '$1index.html');
    const place = decodeURIComponent(hash.slice(1));
    return existsSync(join(folder, file)) && (!place || !places.has(file) || places.get(file).has(place));
  };
  const broken = links.filter((link) => !leadsToSomething(link));
  return {
    broken: broken.map(([page, address]) => `${page}: ${address} is not there`),
    pages: pages.length,
    links: links.length,
  };
}
