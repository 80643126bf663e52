/** softseg's environment variables: their allowed values, and what happens with any other value. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../src/backend/provision/cache.js';
import { ignoredLimits, wrongVariables } from '../../src/backend/system/environment.js';
import { makeProject, type Project } from './project.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(60_000);

const names = ['SOFTSEG_BACKEND', 'SOFTSEG_CACHE', 'SOFTSEG_KERNELS', 'SOFTSEG_THREADS'];

describe('variables', () => {
  test('may be empty or not set', () => {
    expect(wrongVariables({})).toEqual({});
    expect(wrongVariables(Object.fromEntries(names.map((name) => [name, ''])))).toEqual({});
  });

  test.each([
    ['SOFTSEG_BACKEND', ['cuda', 'native', 'wasm', 'cpu'], ['gpu', 'CPU', ' cpu', 'cpu ', 'auto', '1', 'toString']],
    ['SOFTSEG_CACHE', ['/', '/a b/c'], ['a', './a', '~/a', ' /a', 'C:cache']],
    ['SOFTSEG_KERNELS', ['auto', 'composed'], ['compsed', 'Composed', 'fused', 'true', '1']],
    ['SOFTSEG_THREADS', ['1', '2', '64'], ['many', '0', '-1', '1.5', '2x', ' 2', '1e3', '0x2', '9'.repeat(30)]],
  ])('include %s, whose values are checked', (name, right, wrong) => {
    for (const value of right) expect(wrongVariables({ [name]: value })).toEqual({});
    for (const value of wrong) {
      const message = wrongVariables({ [name]: value })[name];
      expect(message).toMatch(new RegExp(`^the environment variable ${name} must be .*, or not set; got "`));
      expect(message).toContain(JSON.stringify(value).slice(1, -1));
    }
  });

  test.each([
    ['SOFTSEG_BACKENDS', 'SOFTSEG_BACKEND'],
    ['softseg_backend', 'SOFTSEG_BACKEND'],
    ['SOFTSEG_CASHE', 'SOFTSEG_CACHE'],
    ['SOFTSEGKERNELS', 'SOFTSEG_KERNELS'],
    ['SOFTSEG_THREAD', 'SOFTSEG_THREADS'],
    ['SOFTSEG_PYHTON', 'SOFTSEG_PYTHON'],
  ])('%s is a misspelt name', (name, meant) => {
    const said = `the environment variable ${name} is unknown to softseg; did you mean ${meant}?`;
    expect(wrongVariables({ [name]: '1' })).toEqual({ [name]: said });
    expect(wrongVariables({ [name]: '' })).toEqual({});
  });

  test('of other programs are ignored', () => {
    const others = [
      'SOFTSEG_DAMAGE',
      'SOFTSEG_SEED',
      'SOFTSEG_EXPERIMENT',
      'SOFT_CACHE',
      'SOFTSEG',
      `SOFTSEG_${'x'.repeat(99)}`,
    ];
    expect(wrongVariables(Object.fromEntries(others.map((name) => [name, '1'])))).toEqual({});
  });

  test('are all named if wrong, without control characters', () => {
    const wrong = wrongVariables(Object.fromEntries(names.map((name) => [name, '\x1b]0;\x07\n'])));
    expect(Object.keys(wrong)).toEqual(names);
    // eslint-disable-next-line no-control-regex -- the test looks for them
    expect(Object.values(wrong).join('')).not.toMatch(/[\x00-\x1f]/);
  });

  test('of other programs that limit threads are reported where they have no effect', () => {
    expect(ignoredLimits({ OMP_NUM_THREADS: '4,3,2', TF_NUM_INTRAOP_THREADS: '0' })).toEqual([]);
    expect(ignoredLimits({ OMP_NUM_THREADS: '', TF_NUM_INTRAOP_THREADS: '' })).toEqual([]);
    expect(ignoredLimits({ OMP_NUM_THREADS: 'many', TF_NUM_INTRAOP_THREADS: 'two' })).toEqual([
      'the environment variable OMP_NUM_THREADS must be a number of threads, or not set; got "many", which is ignored',
      'the environment variable TF_NUM_INTRAOP_THREADS must be a number of threads, or not set; got "two", which ' +
        'is ignored',
    ]);
  });
});

describe('the cache folder', () => {
  const ofUser = join(userInfo().homedir, '.cache', 'softseg');

  test.each([
    [{ SOFTSEG_CACHE: '/a/b', XDG_CACHE_HOME: '/c', HOME: '/d' }, '/a/b'],
    [{ SOFTSEG_CACHE: '/a/../b/' }, '/b'],
    [{ SOFTSEG_CACHE: '', XDG_CACHE_HOME: '/c', HOME: '/d' }, '/c/softseg'],
    [{ XDG_CACHE_HOME: '', HOME: '/d' }, '/d/.cache/softseg'],
    [{ XDG_CACHE_HOME: 'relative', HOME: '/d' }, '/d/.cache/softseg'],
    [{ HOME: '' }, ofUser],
    [{ HOME: 'relative' }, ofUser],
    [{}, ofUser],
  ])('for %j is %s', (env, folder) => {
    if (process.platform === 'darwin') folder = folder.replace('/.cache/', '/Library/Caches/');
    expect(cacheFolder(env)).toBe(folder);
  });

  test('is an error where its variable holds a relative path', () => {
    expect(() => cacheFolder({ SOFTSEG_CACHE: 'cache' })).toThrow(
      'the environment variable SOFTSEG_CACHE must be an absolute path, or not set; got "cache"',
    );
  });
});

describe('the losses', () => {
  let project: Project;
  beforeAll(() => {
    project = makeProject(['@tensorflow/tfjs-core', '@tensorflow/tfjs']);
  });
  afterAll(() => project.remove());

  /** The output of each of these calls in a process of its own, in which importing softseg must not fail. */
  const said = (env: NodeJS.ProcessEnv, calls: string) => {
    const { out, err } = project.script(
      `
      import * as tf from '@tensorflow/tfjs';
      import { iouLoss, kernelsInUse, useKernels } from 'softseg';
      await tf.setBackend('cpu');
      const loss = () => iouLoss(tf.ones([1, 2, 2]), tf.ones([1, 2, 2]), { activation: 'none' }).dataSync()[0];
      const said = (call) => {
        try {
          return call() ?? 'done';
        } catch (error) {
          return error.message;
        }
      };
      console.log(JSON.stringify([${calls}].map(said)));
      `,
      env,
    );
    if (!out) throw new Error(err);
    return JSON.parse(out) as unknown[];
  };
  const calls = "kernelsInUse, loss, () => useKernels('composed'), kernelsInUse";

  test('refuse an unknown SOFTSEG_KERNELS even where the code chooses the kernels', () => {
    const message = 'the environment variable SOFTSEG_KERNELS must be auto or composed, or not set; got "compsed"';
    expect(said({ SOFTSEG_KERNELS: 'compsed' }, calls)).toEqual([message, message, message, message]);
    expect(said({ SOFTSEG_KERNELS: 'auto' }, calls)).toEqual(['fused wasm', 0, 'done', 'composed']);
    expect(said({ SOFTSEG_KERNELS: 'composed' }, calls)).toEqual(['composed', 0, 'done', 'composed']);
  });

  test('refuse the same value where a bundler has inlined it', () => {
    const bundled = (value: string) => {
      const { out, err } = project.script(`
        import { createRequire } from 'node:module';
        const { buildSync } = createRequire(${JSON.stringify(__filename)})('esbuild');
        buildSync({
          stdin: { contents: "export { kernelsInUse } from 'softseg';", resolveDir: '.' },
          outfile: 'bundle.mjs', bundle: true, minify: true, format: 'esm', external: ['@tensorflow/tfjs-core'],
          define: { SOFTSEG_KERNELS: '${JSON.stringify(value)}' },
        });
        const tf = await import('@tensorflow/tfjs');
        await tf.setBackend('cpu');
        const { kernelsInUse } = await import(process.cwd() + '/bundle.mjs');
        try {
          console.log(kernelsInUse());
        } catch (error) {
          console.log(error.message);
        }
      `);
      return out.trim() || err;
    };
    expect(bundled('composed')).toBe('composed');
    expect(bundled('auto')).toBe('fused wasm');
    expect(bundled('compsed')).toContain('SOFTSEG_KERNELS must be auto or composed, or not set; got "compsed"');
  });

  test('refuse a SOFTSEG_THREADS that is not a number where threads are possible', () => {
    const message = 'the environment variable SOFTSEG_THREADS must be a whole number from 1 on, or not set; got "many"';
    expect(said({ SOFTSEG_THREADS: 'many' }, calls)).toEqual([message, message, 'done', 'composed']);
    expect(said({ SOFTSEG_THREADS: '2' }, calls)).toEqual(['fused wasm', 0, 'done', 'composed']);
  });
});
