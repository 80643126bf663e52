// Runs test/fuzz for a long time in plain Node: `npm run fuzz -- --minutes 30 --backend wasm --kernels fused --seed 1`.
// --only takes a list of functions; --path and --seed repeat one failure.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const args = process.argv.slice(2);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = here('../node_modules/.cache/softseg-fuzz/');
const outfile = `${folder}${process.pid}.mjs`;
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: [here('../test/fuzz/long.ts')],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  sourcemap: 'inline',
  logLevel: 'warning',
});
if (args.includes('tensorflow')) {
  const { installedOp } = await import('../dist/backend/provision/op.js');
  args.push('--op', installedOp('@tensorflow/tfjs-node'));
}
const { status } = spawnSync(process.execPath, ['--enable-source-maps', outfile, ...args], {
  stdio: 'inherit',
});
rmSync(outfile);
process.exitCode = status ?? 1;
