// The site of the documentation. `npm run site` builds it: before VitePress, it makes the pages of the API.
import { join } from 'node:path';
import { anchorOf, extendMarkdown } from './markdown.js';
import { apiContents, contents, GENERATED, NO_PAGES, pageOf, ROOT } from './pages.js';

const rank = (page) => (/\/(interfaces|type-aliases)\//.test(page) ? 0.2 : page.includes('/api/') ? 0.5 : 1);

/** Lets names in the contents break between their words. */
const breakable = ({ text, items, ...entry }) => ({
  ...entry,
  text: text.replace(/(?<=[a-z])(?=[A-Z])/g, '<wbr>'),
  ...(items && { items: items.map(breakable) }),
});

export default {
  title: 'softseg',
  description: 'Soft segmentation losses and relaxations for TensorFlow.js',
  lang: 'en',
  srcDir: ROOT,
  srcExclude: NO_PAGES,
  outDir: join(ROOT, 'site'),
  cacheDir: join(GENERATED, 'cache'),
  // The data that all pages share is in one file, not in each of them.
  metaChunk: true,
  // One page after the other, so that the index of the search is the same in each build.
  buildConcurrency: 1,
  rewrites: (file) => pageOf(file) ?? file,
  transformHead: ({ siteData }) => [
    ['link', { rel: 'icon', type: 'image/svg+xml', href: `${siteData.base}favicon.svg` }],
  ],
  transformPageData: ({ relativePath }) =>
    relativePath.startsWith('api/') ? { frontmatter: { pageClass: 'api' } } : {},
  markdown: { anchor: { slugify: anchorOf }, config: extendMarkdown },
  vite: {
    publicDir: join(GENERATED, 'public'),
    // The largest chunk is the index of the search, which is fetched with the first search.
    build: { chunkSizeWarningLimit: 2000 },
  },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/guide/' },
      { text: 'Losses', link: '/losses/' },
      { text: 'Definitions', link: '/definitions' },
      { text: 'API', link: '/api/' },
      { text: 'Playground', link: '/playground/index.html', target: '_self' },
    ],
    sidebar: { '/api/': apiContents().map(breakable), '/': contents() },
    outline: [2, 3],
    search: {
      provider: 'local',
      // Pages to read come before functions, and functions before types.
      options: { miniSearch: { searchOptions: { boostDocument: rank } } },
    },
    footer: { message: 'softseg: soft segmentation losses and relaxations for TensorFlow.js. Apache 2.0.' },
  },
};
