// Compiles src to dist and the examples to their own dist, and puts beside the compiled code what it needs at run time:
// Node-API's headers (MIT), with which `softseg install-native` compiles tfjs-node's binding on the user's machine.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const at = (...parts) => join(root, ...parts);
const tsc = (project) =>
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', at(project)], { stdio: 'inherit' });

rmSync(at('dist'), { recursive: true, force: true });
tsc('tsconfig.json');

const headers = dirname(require.resolve('node-api-headers/package.json'));
for (const part of ['include', 'LICENSE']) {
  cpSync(join(headers, part), at('dist/native/node-api', part), { recursive: true });
}
chmodSync(at('dist/backend/cli.js'), 0o755);

tsc('examples/brain/tsconfig.json');
