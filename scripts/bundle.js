// Makes all that a page without a bundler needs, in dist/browser: an ES module for each entry that runs in a
// browser, and tfjs-core as a module made of the global `tf` of tfjs's script tag, so that the page has one tfjs-core.
// Code that several entries need is in modules of its own, which they import: a page that uses all entries has one copy
// of softseg's state, such as the choice of kernels.
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
    // (package.json names the file in dist, which is not yet there.)
    alias: { '#nativePasses': join(dist, 'kernels/tensorflow/nativePasses.js') },
    banner: { js: `/*! ${name} ${version}, ${license} */` },
    logLevel: 'warning',
  });
  writeFileSync(join(folder, 'tfjs-core.js'), moduleOfGlobal());
}

function moduleOfGlobal() {
  const names = Object.keys(require('@tensorflow/tfjs-core')).filter((name) => name !== 'default');
  return `// @tensorflow/tfjs-core for an import map, where tfjs is there as the global tf of its script tag.
if (!globalThis.tf) throw new Error("softseg: load tfjs's script before this module; there is no global tf");
export const {
  ${names.sort().join(',\n  ')},
} = globalThis.tf;
`;
}
