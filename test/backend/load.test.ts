import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeProject, provisionedCache, type Project } from './project.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(60_000);

const tfjs = ['@tensorflow/tfjs-core', '@tensorflow/tfjs'];
const wasm = '@tensorflow/tfjs-backend-wasm';

interface Answer {
  engine: { backend: string; device: string; version: string; kernels: string; reasons: string[] };
  /** The backend of the copy of tfjs that the user's own import gives. */
  set: string;
  message: string;
}

/** The result of `load(argument)` in a process of its own that has run `first` before. */
function answer(project: Project, argument = '', env: NodeJS.ProcessEnv = {}, first = ''): Answer {
  const text = `
    import { load } from 'softseg/node';
    import * as tf from '@tensorflow/tfjs-core';
    ${first}
    const engine = await load(${argument}).catch((error) => ({ message: error.name + ': ' + error.message }));
    console.log(JSON.stringify({ engine, set: tf.getBackend() ?? '', message: engine.message ?? '' }));
  `;
  const { out, err } = project.script(text, env);
  if (!out) throw new Error(err);
  return JSON.parse(out) as Answer;
}

describe('load, where tfjs-node is not provisioned', () => {
  let project: Project;
  beforeAll(() => {
    project = makeProject([...tfjs, wasm, '@tensorflow/tfjs-node']);
  });
  afterAll(() => project.remove());

  test('takes wasm, and says why and what to do', () => {
    const { engine, set } = answer(project);
    expect(engine).toMatchObject({ backend: 'wasm', device: 'cpu', version: expect.stringMatching(/^4\./) });
    expect(set).toBe('wasm');
    expect(engine.reasons).toEqual([
      expect.stringMatching(/^cuda: /),
      "native: TensorFlow's library is not installed; run `npx softseg install-native`",
    ]);
  });

  test('throws when its argument names a backend that does not run', () => {
    const { message, set } = answer(project, "'native'", {}, "await load('cpu');");
    expect(message).toBe(
      "BackendError: load('native'): native cannot run here: TensorFlow's library is not installed; " +
        'run `npx softseg install-native`',
    );
    expect(set).toBe('cpu');
  });

  test('obeys SOFTSEG_BACKEND, but its own argument comes first', () => {
    const env = { SOFTSEG_BACKEND: 'cpu' };
    expect(answer(project, '', env).engine).toMatchObject({
      backend: 'cpu',
      reasons: ['cuda', 'native', 'wasm'].map((name) => `${name}: not tried, because SOFTSEG_BACKEND=cpu asks for cpu`),
    });
    expect(answer(project, "'wasm'", env).engine.backend).toBe('wasm');
    expect(answer(project, '', { SOFTSEG_BACKEND: 'native' }).message).toContain(
      'SOFTSEG_BACKEND=native: native cannot run',
    );
  });

  test('names the known backends when asked for another', () => {
    const message = 'BackendError: load: a backend is one of cuda, native, wasm, cpu, got';
    expect(answer(project, "'gpu'").message).toBe(`${message} "gpu"`);
    expect(answer(project, 'null').message).toBe(`${message} null`);
    expect(answer(project, "'\\u001b[31m'").message).toBe(`${message} "\\u001b[31m"`);
  });

  test.each([
    ['SOFTSEG_BACKEND', 'gpu', 'cuda, native, wasm or cpu'],
    ['SOFTSEG_KERNELS', 'compsed', 'auto or composed'],
    ['SOFTSEG_THREADS', 'many', 'a whole number from 1 on'],
    ['SOFTSEG_CACHE', 'a/relative/path', 'an absolute path'],
  ])('refuses %s=%s, whether or not the code makes a choice', (name, value, allowed) => {
    const message =
      `BackendError: load: the environment variable ${name} must be ${allowed}, or not set; ` + `got "${value}"`;
    for (const choice of ['', "'cpu'"]) expect(answer(project, choice, { [name]: value }).message).toBe(message);
  });

  test('treats an empty variable as not set', () => {
    const env = { SOFTSEG_BACKEND: '', SOFTSEG_KERNELS: '', SOFTSEG_THREADS: '', SOFTSEG_CACHE: '' };
    expect(answer(project, "'cpu'", env).engine).toMatchObject({ backend: 'cpu', kernels: 'fused wasm' });
  });

  test('can be called again, for the same backend or another', () => {
    const first = "await load(); await load(); await load('cpu');";
    expect(answer(project, "'wasm'", {}, first)).toMatchObject({ engine: { backend: 'wasm' }, set: 'wasm' });
  });

  test('trains a convolution on wasm', () => {
    const { out, err } = project.script(`
      import { load } from 'softseg/node';
      import * as tf from '@tensorflow/tfjs';
      await load('wasm');
      const x = tf.ones([1, 3, 3, 1]);
      const gradient = tf.grad((f) => tf.conv2d(x, f, 1, 'valid').sum())(tf.ones([2, 2, 1, 1]));
      console.log([...gradient.dataSync()].join());
    `);
    expect({ out, err }).toEqual({ out: '4,4,4,4\n', err: '' });
  });

  test("leaves the program's own errors alone: exit code 1, not that of the wasm module", () => {
    const { code, err } = project.script(
      "import { load } from 'softseg/node'; await load('wasm'); throw new Error('mine');",
    );
    expect(code).toBe(1);
    expect(err).not.toContain('tf-backend-wasm');
  });

  test('downloads and writes nothing', () => {
    answer(project);
    expect(existsSync(project.cache)).toBe(false);
    expect(existsSync(join(project.folder, 'node_modules/@tensorflow/tfjs-node/lib'))).toBe(false);
  });
});

describe('load, where packages are missing', () => {
  test('takes plain JavaScript and names the packages', () => {
    const project = makeProject(tfjs);
    try {
      const { engine } = answer(project);
      expect(engine).toMatchObject({ backend: 'cpu', device: 'cpu' });
      expect(engine.reasons.slice(1)).toEqual([
        'native: @tensorflow/tfjs-node is not installed; run `npm install --ignore-scripts @tensorflow/tfjs-node`',
        `wasm: ${wasm} is not installed; run \`npm install ${wasm}\``,
      ]);
    } finally {
      project.remove();
    }
  });

  test('says so when two copies of tfjs-core are installed', () => {
    const project = makeProject([wasm]);
    try {
      const core = join(project.folder, 'node_modules/@tensorflow/tfjs-core');
      mkdirSync(core);
      writeFileSync(
        join(core, 'package.json'),
        '{ "name": "@tensorflow/tfjs-core", "version": "4.0.0", "main": "index.cjs" }',
      );
      writeFileSync(
        join(core, 'index.cjs'),
        'exports.findBackendFactory = () => null; exports.getBackend = () => undefined;',
      );
      const { err } = project.script("import { load } from 'softseg/node'; await load('wasm');");
      expect(err).toContain(`wasm cannot run here: ${wasm} uses another copy of @tensorflow/tfjs-core than softseg`);
    } finally {
      project.remove();
    }
  });

  test('without any tfjs says what to install', () => {
    const project = makeProject([]);
    try {
      const { err } = project.script("import { load } from 'softseg/node'; await load();");
      expect(err).toContain('BackendError: @tensorflow/tfjs-core is not installed; run `npm install @tensorflow/tfjs`');
    } finally {
      project.remove();
    }
  });
});

describe('load, where the cache holds the library', () => {
  let project: Project;
  const cache = provisionedCache();
  const env = { SOFTSEG_CACHE: cache };
  beforeAll(() => {
    if (!cache) throw new Error('the cache does not hold the library: run `npm run provision`, as `npm test` does');
    project = makeProject([...tfjs, wasm, '@tensorflow/tfjs-node']);
  });
  afterAll(() => project.remove());

  test('links the library by itself, and starts TensorFlow silently', () => {
    const text = "import { load } from 'softseg/node'; console.log(JSON.stringify(await load()));";
    const { out, err } = project.script(text, env);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({
      backend: 'tensorflow',
      version: '2.21.0',
      kernels: 'fused native',
      reasons: [expect.stringMatching(/^cuda: /)],
    });
  });

  test('switches from one backend to another and back', () => {
    const first = "await load('cpu'); await load('native'); await load('wasm');";
    const { engine, set } = answer(project, "'native'", env, first);
    expect(engine).toMatchObject({ backend: 'tensorflow', version: '2.21.0' });
    expect(set).toBe('tensorflow');
  });

  test('uses a tfjs-node that the program has imported, and never loads a second native library', () => {
    const first = "const { default: node } = await import('@tensorflow/tfjs-node'); node.ones([1]);";
    // load() would do this before tfjs-node is loaded, which here is too late.
    const shim =
      "import util from 'node:util'; util.isNullOrUndefined = (v) => v == null; util.isArray = Array.isArray;";
    expect(answer(project, '', env, shim + first).engine.backend).toBe('tensorflow');
    const { message, set } = answer(project, "'cuda'", env, shim + first);
    expect(message).toContain('@tensorflow/tfjs-node is already loaded in this process');
    expect(set).toBe('tensorflow');
  });
});
