import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { makeProject, provisionedCache, type Project } from './project.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(60_000);

let project: Project;
const cache = provisionedCache() ?? '';
beforeAll(() => {
  if (!cache) throw new Error('the cache does not hold the library: run `npm run provision`, as `npm test` does');
  project = makeProject(['@tensorflow/tfjs-core', '@tensorflow/tfjs', '@tensorflow/tfjs-node']);
});
afterAll(() => project.remove());

/** The JSON that `text` prints after load('native') has set `engine`. */
function run(text: string, env: NodeJS.ProcessEnv = {}): unknown {
  const { out, err } = project.script(
    `
    import { createHash } from 'node:crypto';
    import { createRequire } from 'node:module';
    import { load } from 'softseg/node';
    import * as tf from '@tensorflow/tfjs-core';
    const engine = await load('native');
    const backend = tf.backend();
    ${text}
    `,
    { SOFTSEG_CACHE: cache, ...env },
  );
  if (!out) throw new Error(err);
  return JSON.parse(out);
}

/** Calls an op directly. The pass has softmax, and the sums I, P and T. */
const call = `
  const op = (name, pass, ...inputs) => {
    const attribute = { name: 'pass', type: backend.binding.TF_ATTR_INT, value: pass };
    return backend.executeSingleOutput(name, [attribute], inputs);
  };
  const pass = [0, 0, 0, 0, 0, 0, 7, 0];
  const none = tf.zeros([0]);
`;

describe('load with the op in the cache', () => {
  test('computes with the op, unless SOFTSEG_KERNELS=composed', () => {
    const text = 'console.log(JSON.stringify(engine));';
    expect(run(text)).toMatchObject({ backend: 'tensorflow', kernels: 'fused native' });
    const reason = 'fused kernels: not used, because SOFTSEG_KERNELS=composed';
    expect(run(text, { SOFTSEG_KERNELS: 'composed' })).toMatchObject({
      kernels: 'composed',
      reasons: [expect.stringMatching(/^cuda: /), reason],
    });
  });

  test('says when it cannot use the op, and what to do', () => {
    const other = join(project.folder, 'other-cache');
    mkdirSync(other);
    for (const name of readdirSync(cache)) {
      if (name.startsWith('tensorflow-')) symlinkSync(join(cache, name), join(other, name));
      if (!name.startsWith('tfjs-node-')) continue;
      mkdirSync(join(other, name));
      for (const file of readdirSync(join(cache, name))) copyFileSync(join(cache, name, file), join(other, name, file));
    }
    const bare = makeProject(['@tensorflow/tfjs-core', '@tensorflow/tfjs', '@tensorflow/tfjs-node']);
    try {
      const { out } = bare.script(
        `
        import { load } from 'softseg/node';
        console.log(JSON.stringify(await load('native')));
        `,
        { SOFTSEG_CACHE: other },
      );
      expect(JSON.parse(out)).toMatchObject({
        backend: 'tensorflow',
        kernels: 'composed',
        reasons: expect.arrayContaining(['fused kernels: the op is not compiled; run `npx softseg install-native`']),
      });
    } finally {
      bare.remove();
    }
  });

  test('leaves no tensor behind', () => {
    expect(run('console.log(tf.memory().numTensors + backend.numDataIds());')).toBe(0);
  });
});

describe("softseg's op", () => {
  test('refuses invalid input with an error that names the rule and the values', () => {
    const said = run(`
      ${call}
      const message = (...args) => {
        try {
          return 'gave ' + op(...args).shape;
        } catch (error) {
          return error.message.split('Message: ')[1];
        }
      };
      const ones = (...shape) => tf.ones(shape);
      const parameters = tf.tensor1d([1, 3, 1, 0]);
      const sums = (labels, predictions, weights = none, given = parameters, how = pass) =>
        message('SoftsegSums', how, labels, predictions, weights, given);
      console.log(JSON.stringify([
        sums(ones(1, 4, 3), ones(1, 4, 3)),
        sums(ones(1, 5, 3), ones(1, 4, 3)),
        sums(ones(1, 4, 2), ones(1, 4, 2)),
        sums(ones(1, 4, 3), ones(1, 4, 3), ones(5)),
        sums(ones(1, 4, 3), ones(1, 4, 3), none, tf.tensor1d([1, 3])),
        sums(ones(1, 4, 3), ones(1, 4, 3), none, tf.tensor1d([NaN, 3, 1, 0])),
        sums(ones(1, 4, 3), ones(1, 4, 3), none, tf.tensor1d([1, 3, 1, 0, 5])),
        sums(ones(1, 4, 3), ones(1, 4, 3), none, parameters, [7, 0, 0, 0, 0, 0, 7, 0]),
        sums(ones(1, 4, 3), ones(1, 4, 3), none, parameters, [0]),
        sums(ones(1, 4), ones(1, 4, 3), none, parameters, [0, 1, 0, 0, 0, 0, 7, 0]),
        message('SoftsegSumsGradient', pass, ones(1, 4, 3), ones(1, 4, 3), none, parameters, ones(2, 1, 3)),
      ]));
    `) as string[];
    expect(said).toEqual([
      'gave 3,1,3',
      'SoftsegSums: labels must hold as many values as predictions; got 15 values for 1 samples, 4 pixels, 3 classes',
      'SoftsegSums: predictions must hold samples x pixels x classes values; got 8 for 1 samples and 3 classes',
      'SoftsegSums: weights must hold one value per pixel, or none; got 5 values for 1 samples, 4 pixels, 3 classes',
      'SoftsegSums: parameters must begin with samples, classes, sharpness, label smoothing; got 2 values',
      'SoftsegSums: samples and classes must be whole numbers up to 2^24, classes at least 1; got nan, 3',
      'SoftsegSums: parameters must be 4 values for 3 classes; got 5',
      'SoftsegSums: in pass, the activation must be from 0 to 2; got 7',
      'SoftsegSums: pass must have 8 values; got 1',
      'SoftsegSums: class indices must be int32; got float',
      'SoftsegSumsGradient: dy must be [sums, samples, classes] = [3, 1, 3]; got [2, 1, 3]',
    ]);
  });

  test('accepts class indices out of range, and tensors without values', () => {
    const sums = run(`
      ${call}
      const indices = [0, 1, 0, 0, 0, 0, 7, 0];
      const labels = tf.tensor1d([-1, 3, 2e9, -2e9], 'int32');
      const wild = op('SoftsegSums', indices, labels, tf.zeros([1, 4, 2]), none, tf.tensor1d([1, 2, 1, 0]));
      const empty = op('SoftsegSums', pass, tf.zeros([2, 0, 2]), tf.zeros([2, 0, 2]), none, tf.tensor1d([2, 2, 1, 0]));
      const nobody = op('SoftsegSums', pass, tf.zeros([0, 4, 2]), tf.zeros([0, 4, 2]), none, tf.tensor1d([0, 2, 1, 0]));
      console.log(JSON.stringify([[...wild.dataSync()], [...empty.dataSync()], nobody.shape]));
    `);
    expect(sums).toEqual([[0, 0, 2, 2, 0, 0], Array(12).fill(0), [3, 0, 2]]);
  });

  test('gives the same bits for any number of threads, and the usual variables limit threads', () => {
    const text = `
      ${call}
      const { cachedOp } = await import('./node_modules/softseg/dist/backend/provision/op.js');
      const { libraryOf } = await import('./node_modules/softseg/dist/backend/provision/binding.js');
      const path = cachedOp(process.env.SOFTSEG_CACHE, libraryOf('@tensorflow/tfjs-node'));
      const { threads } = createRequire(path)(path);
      const hash = createHash('sha256');
      for (const [n, p, c] of [[2, 100_001, 3], [400, 300, 5], [3, 9000, 21]]) {
        const x = tf.randomUniform([n, p, c], -3, 3, 'float32', 1);
        const labels = tf.randomUniform([n, p, c], 0, 1, 'float32', 2);
        const dy = tf.randomUniform([3, n, c], 0, 1, 'float32', 3);
        const parameters = tf.tensor1d([n, c, 1, 0]);
        hash.update(op('SoftsegSums', pass, labels, x, none, parameters).dataSync());
        hash.update(op('SoftsegSumsGradient', pass, labels, x, none, parameters, dy).dataSync());
      }
      console.log(JSON.stringify({ threads: threads(), hash: hash.digest('hex') }));
    `;
    interface Answer {
      threads: number;
      hash: string;
    }
    const one = run(text, { OMP_NUM_THREADS: '1' }) as Answer;
    const two = run(text, { OMP_NUM_THREADS: '2' }) as Answer;
    const limited = run(text, { TF_NUM_INTRAOP_THREADS: '1' }) as Answer;
    expect([one.threads, limited.threads]).toEqual([1, 1]);
    expect(two.threads).toBeLessThanOrEqual(2);
    expect([two.hash, limited.hash]).toEqual([one.hash, one.hash]);
  });

  test('keeps neither a kernel per value of an annealed parameter nor memory', () => {
    const grown = run(`
      ${call}
      const x = tf.ones([1, 64, 4]);
      const step = (i) => {
        const parameters = tf.tensor1d([1, 4, 1 + i / 1000, 0]);
        tf.dispose([op('SoftsegSums', pass, x, x, none, parameters), parameters]);
      };
      for (let i = 0; i < 2000; i++) step(i);
      const before = process.memoryUsage().rss;
      for (let i = 0; i < 20_000; i++) step(i);
      console.log((process.memoryUsage().rss - before) / 1e6);
    `);
    expect(grown).toBeLessThan(40);
  });
});
