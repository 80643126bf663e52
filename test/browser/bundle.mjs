/**
 * Writes the scripts of a page: jest's matchers, and a test file with its setup. It is called as `node bundle.mjs
 * FOLDER FILE DEFINES`, where DEFINES is JSON with the names that test files declare. It runs in a process of its own
 * because esbuild does not run in jest's realms.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const [folder, file, defines] = process.argv.slice(2);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const shared = { bundle: true, platform: 'browser', target: 'chrome140', logLevel: 'error', legalComments: 'none' };

/** Node modules that jest's matchers import. */
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
    // An import would be dropped, because the package says that none of its files has side effects.
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
