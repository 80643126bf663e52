// Makes the files for pages without a bundler, in dist/browser: an ES module for each entry that runs in a browser, and
// a module that re-exports the global `tf` of tfjs's script tag as tfjs-core, so that the page has only one tfjs-core.
// Code that several entries need goes into shared modules, which they import, so a page that uses several entries has
// only one copy of softseg's state, such as the choice of kernels.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const ENTRIES = { softseg: 'index.js', metrics: 'metrics/index.js', training: 'training/index.js' };

export async function bundleForPages(root, dist) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const folder = join(dist, 'browser');
  mkdirSync(folder);
  await build({
    entryPoints: Object.entries(ENTRIES).map(([name, file]) => ({ in: join(dist, file), out: `${name}.min` })),
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: 'shared-[hash].min',
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['@tensorflow/tfjs-core'],
    // Needed because package.json names the file in dist, which does not exist yet.
    alias: { '#nativePasses': join(dist, 'kernels/tensorflow/nativePasses.js') },
    banner: { js: `/*! ${name} ${version}, ${license} */` },
    logLevel: 'warning',
  });
  writeFileSync(join(folder, 'tfjs-core.js'), moduleOfGlobal());
}

function moduleOfGlobal() {
  const names = Object.keys(require('@tensorflow/tfjs-core')).filter((name) => name !== 'default');
  return `// @tensorflow/tfjs-core for an import map of a page that loads tfjs with a script tag, as the global tf.
if (!globalThis.tf) throw new Error("softseg: load tfjs's script before this module; there is no global tf");
export const {
  ${names.sort().join(',\n  ')},
} = globalThis.tf;
`;
}
