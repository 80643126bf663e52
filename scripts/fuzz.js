// Long runs of test/fuzz in plain Node: `npm run fuzz -- --minutes 30 --backend wasm --kernels fused --seed 1`. With
// --only a list of functions, and with --path and --seed one failure again.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const args = process.argv.slice(2);
const folder = new URL('../node_modules/.cache/softseg-fuzz/', import.meta.url).pathname;
const outfile = `${folder}${process.pid}.mjs`;
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: [new URL('../test/fuzz/long.ts', import.meta.url).pathname],
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
