/** The package as users install it: the tarball in fresh projects of each kind, with peers from the registry. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { launch } from '../browser/launch.cjs';

// Packages are downloaded, and machines may be busy.
jest.setTimeout(300_000);

const ROOT = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'softseg-consumer-'));
const consumer = join(folder, 'consumer');
const modules = join(consumer, 'node_modules');
let tarball: string;

const peers = (...names: string[]) => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  return names.map((name) => `${name}@${lock.packages[`node_modules/${name}`]!.version}`);
};

function run(command: string, args: string[], cwd = consumer) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { status, stdout: stdout.trim(), stderr: stderr.trim() };
}

function file(name: string, content: string): string {
  const path = join(consumer, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

beforeAll(() => {
  tarball = execFileSync(process.execPath, ['scripts/pack.js', folder], { cwd: ROOT, encoding: 'utf8' }).trim();
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true }');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const packages = peers('@tensorflow/tfjs', 'typescript', 'vite', '@types/node');
  const { status, stderr } = run('npm', ['install', ...flags, tarball, ...packages]);
  if (status !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The number of copies of tfjs-core in a file, counted by a message that occurs once in it. */
const copiesOfCore = (name: string) =>
  readFileSync(join(consumer, name), 'utf8').split('Error creating a new Tensor. Inferred shape').length - 1;

/** The names that each consumer imports, by entry. */
const NAMES = { softseg: 'checkValues, diceLoss', 'softseg/metrics': 'iouScore', 'softseg/training': 'namedLoss' };
const IMPORT = Object.entries(NAMES)
  .map(([entry, names]) => `import { ${names} } from '${entry}';`)
  .join('\n');
const REQUIRE = Object.entries(NAMES)
  .map(([entry, names]) => `const { ${names} } = require('${entry}');`)
  .join('\n');

/**
 * The output of each consumer: a loss of a tensor that it made, and how many calls of the other entries refuse labels
 * of 2, before and after softseg's checkValues turns the checks off. If none refuses them afterwards, the entries share
 * one copy of softseg's state. Two copies of tfjs-core would give the same loss, so copies are counted separately.
 */
const RESULT = '0.3775 2 0';
const PRINT = `
const [labels, logits, wrong] = [[1, 0], [0.5, -0.5], [2, 0]].map((values) => tf.tensor(values, [1, 2, 1]));
const calls = [() => iouScore(wrong, logits), () => namedLoss('diceLoss')(wrong, logits)];
const refuses = (call) => { try { call(); return false; } catch { return true; } };
const before = calls.filter(refuses).length;
checkValues('never');
const loss = diceLoss(labels, logits).dataSync()[0].toFixed(4);
console.log([loss, before, calls.filter(refuses).length].join(' '));`;

describe('a project that installs it', () => {
  test('gets one tfjs-core, and nothing that was not requested', () => {
    const { stdout } = run('npm', ['ls', '@tensorflow/tfjs-core', '--parseable', '--all']);
    expect(stdout.split('\n')).toEqual([join(modules, '@tensorflow/tfjs-core')]);
    const manifest = JSON.parse(readFileSync(join(modules, 'softseg/package.json'), 'utf8')) as Record<string, unknown>;
    expect(Object.keys(manifest).filter((key) => /ependencies$|^scripts|^private/.test(key))).toEqual([
      'peerDependencies',
    ]);
  });

  test('can import it as an ES module', () => {
    file('esm.mjs', `import * as tf from '@tensorflow/tfjs';\n${IMPORT}\n${PRINT}`);
    expect(run(process.execPath, ['esm.mjs'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(`${RESULT}$`),
    });
    file(
      'node.mjs',
      `import { load } from 'softseg/node';\nconst { backend } = await load('cpu');\nconsole.log(backend);`,
    );
    expect(run(process.execPath, ['node.mjs'])).toMatchObject({ status: 0, stdout: expect.stringMatching('cpu$') });
  });

  test('can require it, without a warning', () => {
    file('cjs.cjs', `const tf = require('@tensorflow/tfjs');\n${REQUIRE}\n${PRINT}`);
    const { status, stdout, stderr } = run(process.execPath, ['cjs.cjs']);
    expect({ status, last: stdout.split('\n').at(-1), stderr }).toEqual({
      status: 0,
      last: RESULT,
      stderr: expect.not.stringContaining('Warning'),
    });
  });

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('has exact types in TypeScript with module %s and moduleResolution %s', (module, moduleResolution) => {
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    };
    file('tsconfig.json', JSON.stringify({ compilerOptions, files: ['types.mts'] }));
    file(
      'types.mts',
      `import * as tf from '@tensorflow/tfjs';
import { comboLoss, diceLoss, type DiceLossOptions } from 'softseg';
import { MeanIou, type Accumulator } from 'softseg/metrics';
import { namedLoss, type NamedLoss } from 'softseg/training';
import { load, type Engine } from 'softseg/node';
const [t, z] = [tf.ones([1, 2, 2]), tf.ones([1, 2, 2])];
const scalar: tf.Scalar = diceLoss(t, z);
const perSample: tf.Tensor1D = diceLoss(t, z, { reduction: 'sample' });
const options: DiceLossOptions = { squared: true };
export const engine: Promise<Engine> = load('wasm');
export const accumulator: Accumulator = new MeanIou();
tf.train.sgd(0.1).minimize(() => comboLoss(t, z));
export const named: NamedLoss = namedLoss('tverskyLoss', { alpha: 0.3 });
// @ts-expect-error: no such option
diceLoss(t, z, { reductoin: 'sum' });
// @ts-expect-error: no such value
diceLoss(t, z, { reduction: 'average' });
// @ts-expect-error: [N], no scalar
const wrong: tf.Scalar = diceLoss(t, z, { reduction: 'sample' });
// @ts-expect-error: an option of another loss
namedLoss('diceLoss', { alpha: 0.3 });
export { options, perSample, scalar, wrong };
`,
    );
    expect(run(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', '.'])).toMatchObject({
      status: 0,
      stdout: '',
    });
  });

  test('can bundle it with Vite', () => {
    file('main.js', `import * as tf from '@tensorflow/tfjs';\n${IMPORT}\ntf.setBackend('cpu');\n${PRINT}`);
    const args = [
      join(modules, 'vite/bin/vite.js'),
      'build',
      '--ssr',
      'main.js',
      '--outDir',
      'built',
      '--logLevel',
      'error',
    ];
    file(
      'vite.config.mjs',
      'export default { ssr: { noExternal: true }, ' +
        `build: { rollupOptions: { output: { format: 'es', entryFileNames: 'main.mjs' } } } };`,
    );
    expect(run(process.execPath, args)).toMatchObject({ status: 0 });
    expect(copiesOfCore('built/main.mjs')).toBe(1);
    const { status, stdout } = run(process.execPath, ['built/main.mjs']);
    expect({ status, last: stdout.split('\n').at(-1) }).toEqual({ status: 0, last: RESULT });
  });
});

describe('a page with script tags', () => {
  const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' };
  let server: Server;
  beforeAll(async () => {
    file(
      'page.html',
      `<!doctype html><script src="node_modules/@tensorflow/tfjs/dist/tf.min.js"></script>
<script type="importmap">{ "imports": {
  "@tensorflow/tfjs-core": "./node_modules/softseg/dist/browser/tfjs-core.js",
  "softseg": "./node_modules/softseg/dist/browser/softseg.min.js",
  "softseg/metrics": "./node_modules/softseg/dist/browser/metrics.min.js",
  "softseg/training": "./node_modules/softseg/dist/browser/training.min.js" } }</script>
<script type="module">${IMPORT}\n${PRINT.replace('console.log', 'document.title = String')}</script>`,
    );
    server = createServer((request, response) => {
      try {
        const content = readFileSync(join(consumer, request.url!));
        response.setHeader('content-type', TYPES[extname(request.url!)] ?? 'application/octet-stream').end(content);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => void server.close());

  test('computes with the single tfjs-core of its script tag', async () => {
    const browser = await launch();
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/page.html`);
      await page.waitForFunction("document.title !== ''", undefined, { timeout: 60_000 }).catch(() => {});
      const browserModules = readdirSync(join(modules, 'softseg/dist/browser'));
      expect(browserModules).toEqual(expect.arrayContaining(['softseg.min.js', 'metrics.min.js', 'training.min.js']));
      for (const module of browserModules) expect(copiesOfCore(`node_modules/softseg/dist/browser/${module}`)).toBe(0);
      expect(copiesOfCore('node_modules/@tensorflow/tfjs/dist/tf.min.js')).toBe(1);
      expect({ errors, title: await page.title() }).toEqual({ errors: [], title: RESULT });
    } finally {
      await browser.close();
    }
  });
});

describe('the tarball', () => {
  const contents = () =>
    run('tar', ['tzf', tarball])
      .stdout.split('\n')
      .map((path) => path.replace('package/', ''));

  test('has the files that users need and nothing else', () => {
    const known =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/(.+\/)?[\w.-]+\.(js|d\.ts)|dist\/native\/(softseg\/\w+\.(cc|h)|node-api\/(LICENSE|include\/\w+\.h)))$/;
    expect(contents().filter((path) => !known.test(path))).toEqual([]);
    expect(contents().filter((path) => /test|\.map$|tsbuildinfo/.test(path))).toEqual([]);
    for (const path of [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/metrics/index.js',
      'dist/metrics/index.d.ts',
      'dist/training/index.js',
      'dist/training/index.d.ts',
      'dist/node/index.js',
      'dist/backend/cli.js',
      'dist/native/softseg/overlap.cc',
    ]) {
      expect(contents()).toContain(path);
    }
  });

  test('passes publint and are-the-types-wrong', () => {
    const { status, stdout, stderr } = run(
      process.execPath,
      [join(__dirname, 'lint.mjs'), tarball, join(modules, 'softseg')],
      ROOT,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ publint: [], types: [] });
  });

  test('has a README whose pictures and links exist', () => {
    const readme = readFileSync(join(modules, 'softseg/README.md'), 'utf8');
    const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
    const relative = targets.filter((target) => !/^(https:|#)/.test(target));
    expect(relative.filter((target) => !contents().includes(target))).toEqual([]);
  });
});

describe('scripts', () => {
  test('pack refuses a dist that is not built from the sources', () => {
    const copy = join(folder, 'copy');
    for (const part of [
      'scripts',
      'src',
      'native',
      'tsconfig.json',
      'package.json',
      'dist',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
    ]) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    const pack = () => run(process.execPath, ['scripts/pack.js', join(folder, 'packed')], copy);
    expect(pack()).toMatchObject({ status: 0, stdout: expect.stringMatching(/softseg-[\d.]+\.tgz$/) });
    writeFileSync(join(copy, 'src/new.ts'), '// not built\n');
    expect(pack()).toMatchObject({ status: 1, stderr: expect.stringContaining('dist is stale: ') });
    rmSync(join(copy, 'dist'), { recursive: true });
    expect(pack()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('dist is not built; run `npm run build`'),
    });
  });

  test('size: diceLoss alone is small without kernels', () => {
    const { status, stdout } = run(process.execPath, ['scripts/size.js'], ROOT);
    expect(status).toBe(0);
    const gzipped = (row: RegExp) =>
      Number(/([\d.]+) gzipped/.exec(stdout.split('\n').find((line) => row.test(line))!)![1]);
    expect(gzipped(/^\| diceLoss alone \| none counted/)).toBeLessThan(10.7);
    expect(gzipped(/^\| diceLoss alone \| composed \|/)).toBeLessThan(13.9);
    expect(gzipped(/^\| diceLoss alone \| composed, no value checks/)).toBeLessThan(11.1);
    expect(gzipped(/^\| diceLoss alone \| fused/)).toBeLessThan(63.5);
    // withMask recognizes a loss by its description, and imports no other.
    expect(gzipped(/^\| diceLoss and withMask \| composed \|/)).toBeLessThan(15.3);
    expect(gzipped(/^\| diceLoss and withMask \| composed, no value checks/)).toBeLessThan(12.4);
  });

  test('nodes: every supported version of Node trains on the native backend', () => {
    const { status, stdout } = run(process.execPath, ['scripts/nodes.js'], ROOT);
    expect({
      status,
      rows: stdout
        .split('\n')
        .slice(2)
        .map((row) => row.split(' | ')[2]),
    }).toEqual({
      status: 0,
      rows: ['fused native', 'fused native', 'fused native', 'fused native'],
    });
  });
});
