import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import {
  checkBoolean,
  checkInteger,
  checkOptionNames,
  checkTensor,
  entriesOf,
  fail,
  show,
  showShape,
} from '../../checks.js';
import { generator } from './generator.js';

/** Tensors with the samples along their first axis. */
export type Samples = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

export interface EpochBatchesOptions {
  /** The number of samples in a batch; the last batch of an epoch may have fewer. Default 32. */
  batchSize?: number;
  /** The seed, an integer. It and the epoch determine the order of the samples. Default 0. */
  seed?: number;
  /** The epoch of the first iterator, counted from 0. Default 0. */
  initialEpoch?: number;
  /** If true (default), samples are shuffled, differently in each epoch. */
  shuffle?: boolean;
}

export interface Batch<X extends Samples, Y extends Samples> {
  xs: X;
  ys: Y;
}

/** Batches for `model.fitDataset` and for loops. */
export interface EpochBatches<X extends Samples, Y extends Samples> {
  /** The number of batches in an epoch. */
  readonly size: number;
  /** The batches of one epoch, independent of earlier reads. Each batch is disposed when the next one is requested. */
  epoch(epoch: number): Generator<Batch<X, Y>, void, undefined>;
  /** For fitDataset: each iterator that is read yields the next epoch. */
  iterator(): Promise<{ next(): Promise<IteratorResult<Batch<X, Y>>> }>;
}

/**
 * Batches of samples, for `model.fitDataset` and for loops of your own, in an order that depends only on the seed and
 * the epoch. A run that was interrupted and resumed therefore sees the same batches as one without the interruption;
 * pass `initialEpoch` both here and to `fitDataset`. `model.fit`, in contrast, shuffles with Math.random, differently
 * in each run.
 *
 * `fitDataset` reads one epoch from each iterator: do not set `batchesPerEpoch`, and use another object for validation.
 * An epoch that was abandoned early counts as an epoch. The rows of a batch are copied when it is requested; the
 * tensors passed remain yours to dispose.
 *
 * @param data `{ xs, ys }`: tensors, lists of tensors or tensors by name, all with N samples along their first axis
 * @throws if data are not tensors or differ in their number of samples, or an option is out of range
 *
 * @example
 * ```ts
 * const [xs, ys] = [tf.randomNormal([10, 8, 8, 1]), tf.ones([10, 8, 8, 1])];
 * const batches = epochBatches({ xs, ys }, { batchSize: 4, seed: 7 });
 * batches.size; // 3
 * for (const { xs, ys } of batches.epoch(0)) console.assert(xs.shape[0] === ys.shape[0]);
 *
 * const model = tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 1, kernelSize: 1 })] });
 * model.compile({ optimizer: 'sgd', loss: diceLoss });
 * await model.fitDataset(batches, { epochs: 2, verbose: 0 });
 * ```
 */
export function epochBatches<X extends Samples, Y extends Samples>(
  data: { xs: X; ys: Y },
  options: EpochBatchesOptions = {},
): EpochBatches<X, Y> {
  const fn = 'epochBatches';
  return inFunction(fn, () => {
    checkOptionNames(options, ['batchSize', 'seed', 'initialEpoch', 'shuffle']);
    const { batchSize = 32, seed = 0, initialEpoch = 0, shuffle = true } = options;
    checkInteger('batchSize', batchSize, 1);
    if (!Number.isInteger(seed)) fail(`seed must be an integer, got ${show(seed)}`);
    checkInteger('initialEpoch', initialEpoch, 0);
    checkBoolean('shuffle', shuffle);
    const samples = countSamples(data);

    const rows = (x: Tensor, order: Tensor1D | null, from: number, count: number): Tensor =>
      // A tensor without values needs no order, and tf.gather of an empty tensor leaks memory on wasm.
      order && x.size > 0
        ? tf.tidy(() => tf.gather(x, tf.slice(order, from, count)))
        : tf.slice(x, [from, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);

    /** The batches of an epoch. The caller disposes them. */
    function* read(epoch: number): Generator<Batch<X, Y>, void, undefined> {
      const order = shuffle ? orderOf(samples, seed, epoch) : null;
      for (let from = 0; from < samples; from += batchSize) {
        const count = Math.min(batchSize, samples - from);
        const indices = order && tf.tensor1d(order, 'int32');
        const part = <S extends Samples>(x: S) => mapSamples(x, (tensor) => rows(tensor, indices, from, count));
        const batch = { xs: part(data.xs), ys: part(data.ys) };
        indices?.dispose();
        yield batch;
      }
    }

    let next = initialEpoch;
    return {
      size: Math.ceil(samples / batchSize),
      *epoch(epoch) {
        inFunction(fn, () => checkInteger('epoch', epoch, 0));
        for (const batch of read(epoch)) {
          try {
            yield batch;
          } finally {
            tf.dispose([batch.xs, batch.ys] as Tensor[]);
          }
        }
      },
      async iterator() {
        // fitDataset requests one more iterator than it reads.
        let batches: Generator<Batch<X, Y>, void, undefined> | undefined;
        return {
          async next() {
            batches ??= read(next++);
            const { value, done } = batches.next();
            return done ? { value: null, done: true } : { value: value!, done: false };
          },
        };
      },
    };
  });
}

function orderOf(samples: number, seed: number, epoch: number): Int32Array {
  const random = generator(seed, epoch);
  const order = Int32Array.from({ length: samples }, (_, i) => i);
  for (let i = samples - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function mapSamples<S extends Samples>(given: S, map: (tensor: Tensor) => Tensor): S {
  if (given instanceof tf.Tensor) return map(given) as Samples as S;
  if (Array.isArray(given)) return given.map(map) as Samples as S;
  return Object.fromEntries(Object.entries(given).map(([name, x]) => [name, map(x as Tensor)])) as Samples as S;
}

function countSamples(data: unknown): number {
  const { xs, ys } = (data ?? {}) as { xs?: unknown; ys?: unknown };
  const tensors = [...flatten('xs', xs), ...flatten('ys', ys)];
  const [first] = tensors as [[string, Tensor]];
  for (const [name, tensor] of tensors) {
    if (tensor.rank === 0 || tensor.shape[0] === 0) {
      fail(`${name} must have samples along its first axis, got shape ${showShape(tensor.shape)}`);
    }
    if (tensor.shape[0] !== first[1].shape[0]) {
      fail(`${name} must have as many samples as ${first[0]}, ${first[1].shape[0]}, got ${tensor.shape[0]}`);
    }
  }
  return first[1].shape[0]!;
}

function flatten(name: string, given: unknown): [string, Tensor][] {
  const single = given instanceof tf.Tensor || typeof given !== 'object' || given === null;
  const entries: [string, unknown][] = single
    ? [[name, given]]
    : (entriesOf(given)?.map((x, i): [string, unknown] => [`${name}[${i}]`, x]) ??
      Object.entries(given).map(([key, x]) => [`${name}.${key}`, x]));
  if (entries.length === 0) fail(`${name} must have at least one tensor, got ${show(given)}`);
  for (const [key, tensor] of entries) checkTensor(key, tensor);
  return entries as [string, Tensor][];
}
