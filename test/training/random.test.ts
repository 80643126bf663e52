/** Numbers drawn from Math.random are the same in every run once it is seeded, on every backend. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { iouLoss } from '../../src/index.js';
import { seedEpochs, withSeed } from '../../src/training/index.js';
import { generator } from '../../src/training/seeds/generator.js';
import { toTensor } from '../support/compare.js';
import { randomArray, randomDistribution } from '../support/random.js';

const numbers = (x: tf.Tensor): number[] => [...x.dataSync()];

const INITIALIZERS = [
  'glorotNormal',
  'glorotUniform',
  'heNormal',
  'heUniform',
  'leCunNormal',
  'leCunUniform',
  'orthogonal',
  'randomNormal',
  'randomUniform',
  'truncatedNormal',
] as const;

const NOISY: [string, (seed?: number) => tf.layers.Layer][] = [
  ['dropout', (seed) => tf.layers.dropout(seed === undefined ? { rate: 0.5 } : { rate: 0.5, seed })],
  ['spatialDropout', () => tf.layers.dropout({ rate: 0.5, noiseShape: [null as never, 1, null as never] })],
  ['gaussianNoise', () => tf.layers.gaussianNoise({ stddev: 1 })],
  ['gaussianDropout', () => tf.layers.gaussianDropout({ rate: 0.5 })],
  ['alphaDropout', () => tf.layers.alphaDropout({ rate: 0.5 })],
];

const DRAWS: [string, () => number[]][] = [
  ['tf.randomNormal', () => numbers(tf.randomNormal([20]))],
  ['tf.randomUniform', () => numbers(tf.randomUniform([20]))],
  ['tf.truncatedNormal', () => numbers(tf.truncatedNormal([20]))],
  ['tf.randomGamma', () => numbers(tf.randomGamma([20], 2))],
  ['tf.randomUniformInt', () => numbers(tf.randomUniformInt([20], 0, 1000))],
  ['tf.dropout', () => numbers(tf.dropout(tf.ones([40]), 0.5))],
  ['tf.util.shuffle', () => shuffled(20)],
  ['Math.random', () => Array.from({ length: 20 }, Math.random)],
  ...INITIALIZERS.map((name): [string, () => number[]] => [
    `the initializer ${name}`,
    () => {
      const layer = tf.layers.dense({ units: 4, inputShape: [5], kernelInitializer: name, useBias: false });
      const model = tf.sequential({ layers: [layer] });
      const weights = numbers(model.getWeights()[0]!);
      model.dispose();
      return weights;
    },
  ]),
  ...NOISY.map(([name, make]): [string, () => number[]] => [
    `the layer ${name} in training`,
    () => numbers(make().apply(tf.ones([2, 6, 8]), { training: true }) as tf.Tensor),
  ]),
];

function shuffled(length: number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  tf.util.shuffle(order);
  return order;
}

describe('withSeed', () => {
  test.each(DRAWS)('gives %s the same numbers for the same seed, and others for another seed', (_, draw) => {
    const [first, again, other] = [withSeed(1, draw), withSeed(1, draw), withSeed(2, draw)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test('gives the numbers of the generator', () => {
    const draw = () => [Math.random(), Math.random()];
    expect(withSeed(5, draw)).toEqual([0, 0].map(generator(5)));
    expect(withSeed([5, 6], draw)).toEqual([0, 0].map(generator(5, 6)));
    expect(withSeed([5, 6], draw)).not.toEqual(withSeed([6, 5], draw));
  });

  test('gives a nested call its own numbers, and the outer one continues', () => {
    const inner = () => withSeed(2, () => Math.random());
    const [a, b, c] = withSeed(1, () => [Math.random(), inner(), Math.random()]) as [number, number, number];
    expect([a, c]).toEqual(withSeed(1, () => [Math.random(), Math.random()]));
    expect(b).toBe(inner());
  });

  test('restores Math.random, also if build throws or is asynchronous', () => {
    const { random } = Math;
    expect(withSeed(1, () => 'built')).toBe('built');
    expect(Math.random).toBe(random);
    const broken = () => {
      throw new Error('broken');
    };
    expect(() => withSeed(1, broken)).toThrow('broken');
    expect(Math.random).toBe(random);
    const rule = 'withSeed: build must be synchronous, got a promise';
    expect(() => withSeed(1, async () => 1)).toThrow(rule);
    expect(() => withSeed(1, () => Promise.reject(new Error('later')))).toThrow(rule);
    expect(Math.random).toBe(random);
  });

  test.each<[unknown, string]>([
    [1.5, 'withSeed: seed must be an integer >= 0, got 1.5'],
    ['a', 'withSeed: seed must be an integer >= 0, got "a"'],
    [[1, -1], 'withSeed: seed[1] must be an integer >= 0, got -1'],
    [[], 'withSeed: seed must not be an empty list'],
  ])('refuses the seed %j', (seed, message) => {
    expect(() => withSeed(seed as never, () => 1)).toThrow(message);
  });

  test('refuses arguments that it cannot call', () => {
    expect(() => withSeed(1, 2 as never)).toThrow('withSeed: build must be a function, got 2');
  });
});

describe("a layer's own seed", () => {
  test('makes dropout in tfjs the same in every step, whereas without it each step draws anew', () => {
    const drop = (seed?: number) => {
      const layer = NOISY[0]![1](seed);
      return [0, 1].map(() => numbers(layer.apply(tf.ones([2, 30]), { training: true }) as tf.Tensor));
    };
    const [own, none] = [drop(3), withSeed(3, () => drop())];
    expect(own[0]).toEqual(own[1]);
    expect(none[0]).not.toEqual(none[1]);
    expect(withSeed(3, () => drop())).toEqual(none);
  });
});

describe('seedEpochs', () => {
  const x = () => toTensor(randomArray([8, 4, 3], 1, -1, 1));
  const y = () => toTensor(randomDistribution([8, 4, 2], 2, 2));

  /** The weights after each epoch of a network with dropout. */
  async function run(seed: number, args: Partial<tf.ModelFitArgs>, start?: tf.Tensor[]) {
    const model = withSeed(seed, () => {
      const layers = [
        tf.layers.dense({ inputShape: [4, 3], units: 6 }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.dense({ units: 2 }),
      ];
      return tf.sequential({ layers });
    });
    if (start) model.setWeights(start);
    const optimizer = tf.train.sgd(0.5);
    model.compile({ optimizer, loss: iouLoss });
    const weights: tf.Tensor[][] = [];
    const note = { onEpochEnd: async () => void weights.push(model.getWeights().map((weight) => tf.clone(weight))) };
    await model.fit(x(), y(), { batchSize: 2, verbose: 0, epochs: 3, callbacks: [seedEpochs(seed), note], ...args });
    model.dispose();
    optimizer.dispose();
    return weights;
  }
  const values = (weights: tf.Tensor[][]) => weights.map((each) => each.map(numbers));

  test('makes two trainings with shuffled batches and dropout identical', async () => {
    const first = values(await run(4, {}));
    expect(values(await run(4, {}))).toEqual(first);
    expect(values(await run(5, {}))).not.toEqual(first);
  });

  test('gives a resumed run the dropout of the uninterrupted one', async () => {
    const whole = await run(4, { shuffle: false });
    const rest = await run(4, { shuffle: false, initialEpoch: 2 }, whole[1]);
    expect(values(rest)).toEqual(values(whole.slice(2)));
  });

  test('does not give a resumed run the same order: fit shuffles that of the epoch before', async () => {
    const whole = await run(4, {});
    expect(values(await run(4, { initialEpoch: 2 }, whole[1]))).not.toEqual(values(whole.slice(2)));
  });

  test('gives each epoch its own sequence, also in loops, and restores Math.random', () => {
    const { random } = Math;
    const seeds = seedEpochs([7, 1]);
    const draw = (epoch: number) => {
      seeds.at(epoch);
      return [Math.random(), Math.random()];
    };
    const [first, second] = [draw(0), draw(1)];
    expect(first).toEqual([0, 0].map(generator(7, 1, 0)));
    expect(second).not.toEqual(first);
    expect(draw(0)).toEqual(first);
    seeds.restore();
    seeds.restore();
    expect(Math.random).toBe(random);
    expect(() => seeds.at(-1)).toThrow('seedEpochs: epoch must be an integer >= 0, got -1');
    expect(() => seedEpochs('a' as never)).toThrow('seedEpochs: seed must be an integer >= 0, got "a"');
    expect(Math.random).toBe(random);
  });

  test('restores Math.random with restore() after a training that throws', async () => {
    const { random } = Math;
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4, 3], units: 2 })] });
    const optimizer = tf.train.sgd(0.5);
    model.compile({ optimizer, loss: iouLoss });
    const seeds = seedEpochs(1);
    const broken = { onEpochEnd: () => Promise.reject(new Error('broken')) };
    try {
      await model.fit(x(), y(), { epochs: 1, verbose: 0, callbacks: [seeds, broken] });
      throw new Error('it went on');
    } catch (error) {
      expect(String(error)).toContain('broken');
      expect(Math.random).not.toBe(random);
    } finally {
      seeds.restore();
    }
    expect(Math.random).toBe(random);
    model.dispose();
    optimizer.dispose();
  });
});
