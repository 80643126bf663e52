// Compiles src to dist and the examples to their own dist, and adds to dist the files that it needs at run time:
// Node-API's headers (MIT), with which `softseg install-native` compiles tfjs-node's binding on the user's machine; the
// sources of softseg's own op, which that command compiles too; and the bundles for pages. The old dist stays complete
// until the new one replaces it.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForPages } from './bundle.js';
import { sourcesStamp, STAMP } from './stamp.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const tsc = (project, outDir) => {
  const args = [require.resolve('typescript/bin/tsc'), '-p', join(root, project), '--outDir', outDir];
  execFileSync(process.execPath, args, { stdio: 'inherit' });
};

/** Replaces a folder by a new one, which `make` fills. */
async function rebuild(folder, make) {
  const made = `${folder}.${process.pid}`;
  const old = `${made}.old`;
  try {
    await make(made);
    rmSync(old, { recursive: true, force: true });
    try {
      renameSync(folder, old);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    renameSync(made, folder);
  } finally {
    for (const left of [made, old]) rmSync(left, { recursive: true, force: true });
  }
}

await rebuild(join(root, 'dist'), async (dist) => {
  const stamp = sourcesStamp(root); // taken first, so that a source that changes during the build makes dist stale
  tsc('tsconfig.json', dist);
  const headers = dirname(require.resolve('node-api-headers/package.json'));
  for (const part of ['include', 'LICENSE']) {
    cpSync(join(headers, part), join(dist, 'native/node-api', part), { recursive: true });
  }
  for (const file of readdirSync(join(root, 'native'))) {
    if (/\.(cc|h)$/.test(file) && file !== 'wasm.cc')
      cpSync(join(root, 'native', file), join(dist, 'native/softseg', file));
  }
  chmodSync(join(dist, 'backend/cli.js'), 0o755);
  await bundleForPages(root, dist);
  writeFileSync(join(dist, STAMP), stamp);
});
await rebuild(join(root, 'examples/dist'), (dist) => tsc('examples', dist));
