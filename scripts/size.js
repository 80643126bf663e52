// Measures the bytes that softseg adds to a page's bundle, minified and gzipped, without tfjs-core. It needs the built
// package (npm run build). A bundler's `define` can leave out parts: the fused kernels by SOFTSEG_KERNELS = 'composed',
// and the checks of values by SOFTSEG_VALUE_CHECKS = 'never'.
import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { build as viteBuild } from 'vite';
import { commandLine } from './options.js';
import { pageTable } from './table.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const IMPORTS = {
  'diceLoss alone': "export { diceLoss } from 'softseg';",
  'diceLoss and withMask': "export { diceLoss } from 'softseg'; export { withMask } from 'softseg/training';",
  'comboLoss alone': "export { comboLoss } from 'softseg';",
  softseg: "export * from 'softseg';",
  'softseg/metrics': "export * from 'softseg/metrics';",
  'softseg/training': "export * from 'softseg/training';",
  'all three': ['softseg', 'softseg/metrics', 'softseg/training'].map((entry) => `export * from '${entry}';`).join(''),
};
const COMPOSED = { SOFTSEG_KERNELS: '"composed"' };
const NO_CHECKS = { SOFTSEG_VALUE_CHECKS: '"never"' };
/** The definitions for the bundler; the key names the parts that are kept. */
const DEFINES = {
  fused: {},
  'fused, no value checks': NO_CHECKS,
  composed: COMPOSED,
  'composed, no value checks': { ...COMPOSED, ...NO_CHECKS },
};

/** Leaves out kernels and the small ops that they share with the losses, which leaves losses, options and checks. */
const WITHOUT_KERNELS = {
  name: 'without-kernels',
  setup({ onResolve }) {
    onResolve({ filter: /(kernels|ops)\/|^\.\/(composed|fused|wasm|cpu|webgpu|webgl|tensorflow)\// }, ({ path }) => ({
      path,
      external: true,
    }));
  },
};

/** Minified, gzipped: bytes by bundler. */
async function sizes() {
  const rows = [];
  for (const [what, code] of Object.entries(IMPORTS)) {
    for (const [kernels, define] of Object.entries(DEFINES)) {
      rows.push({ what, kernels, esbuild: await byEsbuild(code, define), vite: await byVite(code, define) });
    }
    rows.push({ what, kernels: 'none counted', esbuild: await byEsbuild(code, COMPOSED, [WITHOUT_KERNELS]) });
  }
  return rows;
}

async function byEsbuild(contents, define, plugins = []) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    define,
    plugins,
    external: ['@tensorflow/tfjs-core'],
    write: false,
  });
  return sizeOf(outputFiles[0].contents);
}

async function byVite(contents, define) {
  const folder = mkdtempSync(join(tmpdir(), 'softseg-size-'));
  try {
    const entry = join(folder, 'entry.js');
    writeFileSync(entry, contents);
    const result = await viteBuild({
      configFile: false,
      logLevel: 'silent',
      root: folder,
      define,
      resolve: {
        alias: [
          { find: /^softseg$/, replacement: join(root, 'dist/index.js') },
          { find: /^softseg\/(metrics|training)$/, replacement: join(root, 'dist/$1/index.js') },
        ],
      },
      build: {
        write: false,
        minify: true,
        lib: { entry, formats: ['es'] },
        rollupOptions: { external: ['@tensorflow/tfjs-core'] },
      },
    });
    const { output } = [result].flat()[0];
    // Vite does not remove white space from libraries of the format es, so esbuild does it.
    const { code } = await transform(output[0].code, { minify: true, format: 'esm' });
    return sizeOf(code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sizeOf = (code) => ({ min: Buffer.byteLength(code), gzip: gzipSync(code, { level: 9 }).byteLength });

commandLine({
  usage: 'npm run size',
  about: 'Prints the sizes of bundles of softseg without tfjs-core, minified, and minified and gzipped.',
});
const kB = ({ min, gzip }) => `${(min / 1000).toFixed(1)} kB, ${(gzip / 1000).toFixed(1)} gzipped`;
const rows = await sizes();
console.log(
  pageTable(
    ['import', 'kernels', 'esbuild', 'Vite'],
    rows.map(({ what, kernels, esbuild, vite }) => [what, kernels, kB(esbuild), vite ? kB(vite) : '']),
  ),
);
