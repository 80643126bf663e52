// Long runs of test/fuzz in plain Node: `npm run fuzz -- --minutes 30 --backend wasm --kernels fused --seed 1`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { commandLine, oneOf, positiveNumber, wholeNumber } from './options.js';

const settings = commandLine({
  usage: 'npm run fuzz -- [options]',
  about: 'Makes random calls of every exported function. Shrinks and prints the calls that fail.',
  options: {
    minutes: { value: 'N', parse: positiveNumber, default: 1, about: 'how long it runs' },
    backend: {
      value: 'NAME',
      parse: oneOf(['cpu', 'wasm', 'tensorflow']),
      default: 'wasm',
      about: 'backend of tfjs',
    },
    kernels: { value: 'KIND', parse: oneOf(['fused', 'composed']), default: 'fused', about: 'kernels of the losses' },
    only: { value: 'LIST', list: true, about: 'the functions to call, such as iouLoss,overlap (default: all)' },
    seed: { value: 'N', parse: wholeNumber(0, 2 ** 32 - 1), about: 'seed of the calls (default: a random one)' },
    path: { value: 'PATH', about: 'with --seed: the path of a failure, to run that call again' },
    fitting: { about: 'no calls that must be refused' },
  },
});
if (settings.backend === 'tensorflow') {
  const { installedOp } = await import('../dist/backend/provision/op.js');
  settings.op = installedOp('@tensorflow/tfjs-node');
}

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
const { status } = spawnSync(process.execPath, ['--enable-source-maps', outfile, JSON.stringify(settings)], {
  stdio: 'inherit',
});
rmSync(outfile);
process.exitCode = status ?? 1;
