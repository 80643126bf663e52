/** The kernels of a loss in a program that imports tfjs-node but never calls load(): softseg finds its op by itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { seal } from '../../src/backend/provision/seal.js';
import { compileCrash, copyCache, demandProvisioned, type OwnCache } from './ownCache.js';
import { makeProject, type Project } from './project.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(120_000);

let project: Project;
let cache: OwnCache;
beforeAll(() => {
  demandProvisioned();
  project = makeProject(['@tensorflow/tfjs-core', '@tensorflow/tfjs', '@tensorflow/tfjs-node']);
});
afterAll(() => project?.remove());
beforeEach(() => {
  cache = copyCache(project);
  // Links the binding into node_modules, as `softseg install-native` does.
  const { err } = project.script("import { load } from 'softseg/node'; await load('native');");
  if (err) throw new Error(err);
});

/** The two ways to import softseg and tfjs-node. */
const IMPORT = `
  import * as tf from '@tensorflow/tfjs-node';
  import { diceLoss, kernelsInUse, useKernels } from 'softseg';
`;
const REQUIRE = `
  const tf = require('@tensorflow/tfjs-node');
  const { diceLoss, kernelsInUse, useKernels } = require('softseg');
`;
const LOSS = 'diceLoss(tf.tensor([1, 0], [1, 2, 1]), tf.tensor([0.5, -0.5], [1, 2, 1]))';
const PRINT = `console.log(${LOSS}.dataSync()[0].toFixed(4), kernelsInUse());`;

/** The output of a program, and the lines it writes to stderr. */
function run(text: string, env: NodeJS.ProcessEnv = {}): { out: string; err: string } {
  const { code, out, err } = project.script(text, { TF_CPP_MIN_LOG_LEVEL: '3', ...env });
  if (code !== 0) throw new Error(`ended with ${code}: ${err}`);
  return { out: out.trim(), err: err.trim() };
}

/** The output with composed kernels, and the one line that explains it. */
const told = (why: RegExp) => ({
  out: '0.3775 composed',
  err: expect.stringMatching(
    new RegExp(
      `^softseg: the losses run without fused kernels, which is slower but gives the same values: ${why.source}$`,
    ),
  ),
});
const untold = { out: '0.3775 composed', err: '' };
const fused = { out: '0.3775 fused native', err: '' };

describe('the first loss on tfjs-node', () => {
  test('runs on the op, without any message', () => {
    expect(run(IMPORT + PRINT)).toEqual(fused);
  });

  test('runs on the op where both are required', () => {
    const file = join(project.folder, 'program.cjs');
    writeFileSync(file, REQUIRE + PRINT);
    const { stdout, stderr } = spawnSync(process.execPath, [file], {
      cwd: project.folder,
      env: { ...project.env, TF_CPP_MIN_LOG_LEVEL: '3' },
      encoding: 'utf8',
    });
    expect({ out: stdout.trim(), err: stderr.trim() }).toEqual(fused);
  });

  test('runs on the kernels that kernelsInUse() named before it', () => {
    expect(run(`${IMPORT} console.log(kernelsInUse()); ${PRINT}`).out).toBe(`fused native\n${fused.out}`);
  });

  test('leaves neither a tensor nor a second backend behind', () => {
    const counts = 'tf.memory().numTensors + tf.backend().numDataIds()';
    const loss = `tf.tidy(() => void ${LOSS}.dataSync());`;
    expect(run(`${IMPORT} ${loss} console.log(${counts}, kernelsInUse());`).out).toBe('0 fused native');
  });

  test('can be differentiated right away', () => {
    const text = `
      const labels = tf.tensor([1, 0], [1, 2, 1]);
      const gradient = tf.grad((z) => diceLoss(labels, z))(tf.tensor([0.5, -0.5], [1, 2, 1]));
      console.log([...gradient.dataSync()].map((x) => x.toFixed(4)).join(' '), kernelsInUse());`;
    const values = run(IMPORT + text).out;
    expect(values).toMatch(/ fused native$/);
    expect(run(IMPORT + text, { SOFTSEG_KERNELS: 'composed' }).out).toBe(values.replace('fused native', 'composed'));
  });

  test('starts no process where the op was tried before, and one where it was not', () => {
    const counted = `
      import child from 'node:child_process';
      import { syncBuiltinESMExports } from 'node:module';
      const { spawnSync } = child;
      child.spawnSync = (...args) => (console.log('tried'), spawnSync(...args));
      syncBuiltinESMExports();
    `;
    expect(run(counted + IMPORT + PRINT)).toEqual(fused);
    rmSync(cache.path('trials'), { recursive: true });
    expect(run(counted + IMPORT + PRINT + PRINT)).toEqual({ out: `tried\n${fused.out}\n${fused.out}`, err: '' });
    expect(readdirSync(cache.path('trials'))).toHaveLength(2);
    expect(run(counted + IMPORT + PRINT)).toEqual(fused);
  });

  test('is composed where SOFTSEG_KERNELS or the program says so', () => {
    expect(run(IMPORT + PRINT, { SOFTSEG_KERNELS: 'composed' })).toEqual(untold);
    expect(run(`${IMPORT} useKernels('composed'); ${PRINT}`)).toEqual(untold);
    expect(run(`${IMPORT} useKernels('auto'); ${PRINT}`, { SOFTSEG_KERNELS: 'composed' })).toEqual(fused);
  });

  test('is composed on a GPU, without any message', () => {
    expect(run(`${IMPORT} tf.backend().isUsingGpuDevice = true; ${PRINT}`)).toEqual(untold);
  });
});

describe('where the op cannot run, the first loss is composed and says once', () => {
  test('that it is missing', () => {
    rmSync(join(cache.op, '..'), { recursive: true });
    const missing = told(/the op is not compiled; run `npx softseg install-native`/);
    expect(run(IMPORT + PRINT)).toEqual(missing);
    expect(run(`${IMPORT} ${LOSS}; kernelsInUse(); ${PRINT}`)).toEqual(missing);
  });

  test('that it is damaged', () => {
    const bytes = readFileSync(cache.op);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(cache.op, bytes);
    expect(run(IMPORT + PRINT)).toEqual(
      told(/\S+softseg_op\.node is not as it was installed \(.*\); run `npx softseg install-native` to make it again/),
    );
  });

  test('that it crashes, in a process of its own', async () => {
    const crashing = compileCrash();
    cpSync(crashing, cache.op);
    rmSync(join(crashing, '..'), { recursive: true });
    await seal(join(cache.op, '..'));
    expect(run(IMPORT + PRINT)).toEqual(
      told(/the op does not run \(the process that tried them ended\); run `npx softseg install-native`/),
    );
  });

  test('that another TensorFlow is running', () => {
    const other = "tf.backend().binding = Object.create(tf.backend().binding, { TF_Version: { value: '2.9.1' } });";
    expect(run(IMPORT + other + PRINT)).toEqual(
      told(/the op needs the TensorFlow that softseg installs, .* run `npx softseg install-native`/),
    );
  });

  test('that it was not tried, where no process may be started', () => {
    rmSync(cache.path('trials'), { recursive: true });
    const none = `
      import child from 'node:child_process';
      import { syncBuiltinESMExports } from 'node:module';
      child.spawnSync = () => { throw new Error('Access to this API has been restricted'); };
      syncBuiltinESMExports();
    `;
    expect(run(none + IMPORT + PRINT)).toEqual(
      told(/the op was not tried: no process can be started here \(.*restricted\); call load\(\) of softseg\/node .*/),
    );
    const load = "import { load } from 'softseg/node'; await load();";
    expect(run(none + load + IMPORT + PRINT)).toEqual(fused);
  });

  test('that it cannot be reached at once, where ES modules cannot be required', () => {
    const env = { NODE_OPTIONS: '--no-experimental-require-module' };
    expect(run(IMPORT + PRINT, env)).toEqual(told(/this process cannot require\(\) ES modules; call load\(\) .*/));
    expect(run("import { load } from 'softseg/node'; await load();" + IMPORT + PRINT, env)).toEqual(fused);
  });

  test('nothing, where load() has said it already', () => {
    rmSync(join(cache.op, '..'), { recursive: true });
    const load = "import { load } from 'softseg/node'; console.log((await load()).reasons.at(-1));";
    expect(run(load + IMPORT + PRINT)).toEqual({
      out: `fused kernels: the op is not compiled; run \`npx softseg install-native\`\n${untold.out}`,
      err: '',
    });
  });
});

describe('a bundle', () => {
  /** Built by esbuild in a process of its own, outside of jest's environment. */
  const bundle = (options: object) => {
    const esbuild = join(__dirname, '../../node_modules/esbuild/lib/main.js');
    const { out } = run(`
      import { build } from '${esbuild}';
      const { warnings, outputFiles } = await build({
        stdin: { contents: "export { diceLoss, kernelsInUse } from 'softseg';", resolveDir: '.' },
        bundle: true,
        external: ['@tensorflow/tfjs-core'],
        logLevel: 'silent',
        tsconfigRaw: '{}', // ignore any tsconfig in the folders above
        write: false,
        ...${JSON.stringify(options)},
      });
      console.log(JSON.stringify({ warnings, text: outputFiles[0].text }));
    `);
    return JSON.parse(out) as { warnings: unknown[]; text: string };
  };

  test.each(['esm', 'iife', 'cjs'])('for browsers (%s) contains nothing of Node', (format) => {
    const { warnings, text } = bundle({ platform: 'browser', format });
    expect(warnings).toEqual([]);
    expect(text).not.toMatch(/createRequire|import\.meta|startFusedOp|(from|require\()\s*["']node:/);
    expect(text).toContain('nativePasses');
  });

  test.each(['esm', 'cjs'])('for Node (%s) runs composed kernels and says why', (format) => {
    const { warnings, text } = bundle({ platform: 'node', format });
    expect(warnings).toEqual([]);
    const name = `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`;
    writeFileSync(join(project.folder, name), text);
    const program = `
      import * as tf from '@tensorflow/tfjs-node';
      import { diceLoss, kernelsInUse } from './${name}';
    `;
    expect(run(program + PRINT)).toEqual(told(/a bundle does not contain softseg's op; .*/));
  });
});
