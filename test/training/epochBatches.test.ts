/** Batches in an order that depends only on seed and epoch, in fitDataset and in loops. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { iouLoss } from '../../src/index.js';
import { epochBatches, type EpochBatches } from '../../src/training/index.js';
import { expectNothingLeft } from '../support/leftovers.js';

const data = () => ({ xs: tf.range(0, 10, 1).reshape([10, 1]), ys: tf.range(100, 110, 1).reshape([10, 1]) });

/** The samples of each batch in an epoch. */
function read(batches: EpochBatches<tf.Tensor, tf.Tensor>, epoch: number): number[][] {
  const all: number[][] = [];
  for (const { xs, ys } of batches.epoch(epoch)) {
    const rows = [...xs.dataSync()];
    expect([...ys.dataSync()]).toEqual(rows.map((x) => x + 100));
    all.push(rows);
  }
  return all;
}

describe('epochBatches', () => {
  test('gives each epoch all samples once, in a different order', () => {
    const batches = epochBatches(data(), { batchSize: 4, seed: 3 });
    expect(batches.size).toBe(3);
    const orders = [0, 1, 2, 300].map((epoch) => read(batches, epoch));
    for (const order of orders) {
      expect(order.map((rows) => rows.length)).toEqual([4, 4, 2]);
      expect(order.flat().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    expect(new Set(orders.map((order) => order.join())).size).toBe(4);
  });

  test('gives the same order for the same seed and epoch, whatever was read before', () => {
    const [one, other] = [epochBatches(data(), { seed: 5 }), epochBatches(data(), { seed: 5, initialEpoch: 7 })];
    read(one, 2);
    expect(read(one, 7)).toEqual(read(other, 7));
    expect(read(epochBatches(data(), { seed: 6 }), 7)).not.toEqual(read(one, 7));
  });

  test('leaves no tensor behind for samples without values', () => {
    const empty = { xs: tf.zeros([3, 0]), ys: tf.zeros([3, 1]) };
    expectNothingLeft(() => {
      for (const { xs } of epochBatches(empty, { batchSize: 2 }).epoch(0)) expect(xs.shape[1]).toBe(0);
    });
  });

  test('keeps the order of the samples with shuffle: false', () => {
    const batches = epochBatches(data(), { batchSize: 5, shuffle: false });
    expect(read(batches, 3)).toEqual([[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]); // prettier-ignore
  });

  test('gives all orders equally often', () => {
    const batches = epochBatches(data(), { batchSize: 10 });
    const firsts = Array.from({ length: 400 }, (_, epoch) => read(batches, epoch)[0]![0]!);
    const counts = Array.from({ length: 10 }, (_, sample) => firsts.filter((first) => first === sample).length);
    // The expected count is 40, with a standard deviation of 6.
    expect(Math.min(...counts)).toBeGreaterThan(15);
    expect(Math.max(...counts)).toBeLessThan(70);
  });

  test('takes lists and tensors by name', () => {
    const [xs, ys] = [tf.range(0, 4), tf.range(4, 8)];
    const batches = epochBatches({ xs: { image: xs, weight: ys }, ys: [xs, ys] }, { batchSize: 3 });
    for (const batch of batches.epoch(0)) {
      expect([...batch.xs.image.dataSync()]).toEqual([...batch.ys[0]!.dataSync()]);
      expect([...batch.xs.weight.dataSync()]).toEqual([...batch.ys[1]!.dataSync()]);
    }
  });

  test('gives fitDataset the epochs from initialEpoch on, and leaves no tensor', async () => {
    const { xs, ys } = data();
    const labels = tf.div(tf.sub(ys, 100), 10);
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] });
    const orders: number[][] = [];
    const loss = (t: tf.Tensor, z: tf.Tensor) => {
      orders.push([...t.dataSync()].map((value) => Math.round(value * 10)));
      return iouLoss(t, z);
    };
    const optimizer = tf.train.sgd(0.1);
    model.compile({ optimizer, loss });
    const run = async (initialEpoch: number, epochs: number) => {
      const batches = epochBatches({ xs, ys: labels }, { batchSize: 4, seed: 2, initialEpoch });
      await model.fitDataset(batches, { epochs, initialEpoch, verbose: 0 });
    };
    await run(0, 1);
    const before = tf.memory().numTensors;
    orders.length = 0;
    await run(0, 4);
    const whole = orders.splice(0);
    await run(0, 2);
    await run(2, 4);
    expect(orders).toEqual(whole);
    expect(whole.length).toBe(12);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    optimizer.dispose();
  });

  test('leaves no tensor if a loop ends early', () => {
    const batches = epochBatches(data(), { batchSize: 2 });
    const before = tf.memory().numTensors;
    for (const { xs } of batches.epoch(0)) if (xs.size > 0) break;
    expect(() => {
      for (const batch of batches.epoch(0)) throw new Error(String(batch.xs.shape));
    }).toThrow('2,1');
    expect(tf.memory().numTensors).toBe(before);
  });

  const make = epochBatches as (...args: unknown[]) => unknown;
  test.each<[string, () => unknown, string]>([
    ['no labels', () => make({ xs: tf.zeros([2]) }), 'epochBatches: ys must be a tf.Tensor, got undefined'],
    ['nothing', () => make(undefined), 'epochBatches: xs must be a tf.Tensor, got undefined'],
    [
      'an empty list',
      () => make({ xs: [], ys: tf.zeros([2]) }),
      'epochBatches: xs must have at least one tensor, got []',
    ],
    [
      'other samples',
      () => make({ xs: tf.zeros([2]), ys: [tf.zeros([2]), tf.zeros([3])] }),
      'epochBatches: ys[1] must have as many samples as xs, 2, got 3',
    ],
    [
      'a scalar',
      () => make({ xs: tf.scalar(1), ys: tf.zeros([1]) }),
      'epochBatches: xs must have samples along its first axis, got shape []',
    ],
    ['an empty batch', () => make(data(), { batchSize: 0 }), 'epochBatches: batchSize must be an integer >= 1, got 0'],
    ['half a seed', () => make(data(), { seed: 0.5 }), 'epochBatches: seed must be an integer, got 0.5'],
    [
      'an epoch before the first',
      () => make(data(), { initialEpoch: -1 }),
      'epochBatches: initialEpoch must be an integer >= 0, got -1',
    ],
    [
      'a word for shuffle',
      () => make(data(), { shuffle: 'no' }),
      'epochBatches: shuffle must be true or false, got "no"',
    ],
    [
      'an unknown option',
      () => make(data(), { size: 2 }),
      "epochBatches: unknown option 'size'; it takes batchSize, seed, initialEpoch, shuffle",
    ],
  ])('refuses %s', (_, f, message) => expect(f).toThrow(message));
});
