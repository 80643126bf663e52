/**
 * Writes the scripts of a page: jest's matchers, and a test file with what sets it up. `node bundle.mjs FOLDER FILE
 * DEFINES`, DEFINES being JSON of the names that test files declare. (A process of its own, for esbuild does not run in
 * jest's realms.)
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const [folder, file, defines] = process.argv.slice(2);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const shared = { bundle: true, platform: 'browser', target: 'chrome140', logLevel: 'error', legalComments: 'none' };

/** Modules of Node that jest's matchers import. */
const nothing = ['path', 'url', 'process', 'module', 'util/types', 'graceful-fs'];
await Promise.all([
  build({
    ...shared,
    stdin: { contents: `globalThis.expect = require('expect').expect;`, resolveDir: here('.') },
    alias: Object.fromEntries(nothing.map((name) => [name, here('inPage/nothing.cjs')])),
    inject: [here('inPage/node.js')],
    outfile: `${folder}/expect.js`,
  }),
  build({
    ...shared,
    // (An import would be dropped, for the package says that none of its files has side effects.)
    stdin: { contents: `require('./inPage/setup.ts'); require(${JSON.stringify(file)});`, resolveDir: here('.') },
    alias: { '@jest/globals': here('inPage/runner.ts') },
    define: Object.fromEntries(
      Object.entries(JSON.parse(defines)).map(([name, value]) => [name, JSON.stringify(value)]),
    ),
    sourcemap: 'inline',
    sourcesContent: false,
    outfile: `${folder}/suite.js`,
  }),
]);
