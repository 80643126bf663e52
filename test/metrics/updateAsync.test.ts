/** Updates that are not awaited: they are taken in in order, and nothing reads an accumulator that lacks one. */
import { afterEach, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import { CalibrationError, ConfusionMatrix, MeanBrier, MeanIou, type Accumulator } from '../../src/metrics/index.js';
import * as reading from '../../src/ops/canReadAtOnce.js';
import { toTensor } from '../support/compare.js';
import * as support from './support.js';

const labels = () => toTensor(support.someIndices());
const logits = () => toTensor(support.logits());
/** One sample of three classes; the others have four. */
const three = (): [tf.Tensor, tf.Tensor] => [tf.zeros([1, 2], 'int32'), tf.zeros([1, 2, 3])];

/** Lets the sums of updates be read in the order in which the test asks for them; values are not checked meanwhile. */
function delayReads(): (read: number, error?: Error) => void {
  const release: ((error?: Error) => void)[] = [];
  checkValues('never');
  const { data } = tf.Tensor.prototype;
  jest.spyOn(tf.Tensor.prototype, 'data').mockImplementation(async function (this: tf.Tensor) {
    const values = await data.call(this);
    const error = await new Promise<Error | undefined>((resolve) => release.push(resolve));
    if (error) throw error;
    return values as never;
  });
  return (read, error) => release[read]!(error);
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

afterEach(() => {
  jest.restoreAllMocks();
  checkValues('first');
});

/** The methods that read an accumulator. The types demand each public method except those that may always be called. */
type Readers<A> = Record<Exclude<keyof A, 'kind' | 'updateAsync' | 'reset'>, (accumulator: A) => unknown>;

const readers: Readers<Accumulator> = {
  samples: (scores) => scores.samples,
  result: (scores) => scores.result(),
  update: (scores) => scores.update(labels(), logits()),
  merge: (scores) => scores.merge(scores),
  toJSON: (scores) => JSON.stringify(scores),
};

const EVERY: [string, () => Accumulator, Record<string, (accumulator: never) => unknown>][] = [
  ['MeanIou', () => new MeanIou(), { ...readers, perClass: (scores) => scores.perClass() } satisfies Readers<MeanIou>],
  ['MeanBrier', () => new MeanBrier(), readers satisfies Readers<MeanBrier>],
  [
    'CalibrationError',
    () => new CalibrationError(),
    { ...readers, reliability: (scores) => scores.reliability() } satisfies Readers<CalibrationError>,
  ],
  [
    'ConfusionMatrix',
    () => new ConfusionMatrix(),
    {
      ...readers,
      counts: (scores) => scores.counts(),
      perClass: (scores) => scores.perClass(),
      toText: (scores) => scores.toText(),
      toSVG: (scores) => scores.toSVG(),
    } satisfies Readers<ConfusionMatrix>,
  ],
];

test.each(EVERY)('%s throws where a result would lack an update', async (kind, make, methods) => {
  const accumulator = make();
  const update = accumulator.updateAsync(labels(), logits());
  for (const [name, method] of Object.entries(methods)) {
    expect(() => method(accumulator as never)).toThrow(
      `${kind}.${name}: needs all updates, and 1 of them is still being read: await updateAsync first`,
    );
  }
  await expect(Promise.resolve(update)).resolves.toBe(accumulator);
  for (const method of Object.values(methods)) expect(() => method(accumulator as never)).not.toThrow();
});

test('merge refuses another accumulator that is still reading', async () => {
  const other = new MeanIou();
  const updates = [other.updateAsync(labels(), logits()), other.updateAsync(labels(), logits())];
  expect(() => new MeanIou().merge(other)).toThrow('MeanIou.merge: needs all updates, and 2 of them are still');
  await Promise.all(updates);
  expect(new MeanIou().merge(other).samples).toBe(6);
});

test('updates are taken in in the order of their calls, whichever is read first', async () => {
  const scores = new MeanIou();
  const release = delayReads();
  const updates = Promise.allSettled([scores.updateAsync(labels(), logits()), scores.updateAsync(...three())]);
  await settled();
  release(1);
  await settled();
  release(0);
  const [first, second] = await updates;
  expect(first!.status).toBe('fulfilled');
  expect(String((second as PromiseRejectedResult).reason)).toContain('MeanIou.updateAsync: has seen 4 classes, got 3');
  expect(scores.samples).toBe(3);
});

test('a read that fails does not let later ones overtake earlier ones', async () => {
  const scores = new MeanIou();
  const release = delayReads();
  const updates = Promise.allSettled([
    scores.updateAsync(labels(), logits()),
    scores.updateAsync(labels(), logits()),
    scores.updateAsync(...three()),
  ]);
  await settled();
  release(1, new Error('the device is lost'));
  release(2);
  await settled();
  release(0);
  expect((await updates).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(scores.samples).toBe(3);
});

test('a reset forgets updates that are still being read', async () => {
  const scores = new MeanIou();
  const release = delayReads();
  const forgotten = scores.updateAsync(labels(), logits());
  expect(scores.reset().result()).toBe(NaN);
  const counted = scores.updateAsync(...three());
  await settled();
  release(1);
  await counted;
  expect(scores.samples).toBe(1);
  release(0);
  await forgotten;
  expect(scores.samples).toBe(1);
});

test('the tensors may be disposed as soon as the call returns', async () => {
  const [t, z] = [labels(), logits()];
  const scores = new MeanIou();
  const before = tf.memory().numTensors;
  const update = scores.updateAsync(t, z);
  tf.dispose([t, z]);
  await update;
  expect(tf.memory().numTensors).toBe(before - 2);
  expect(scores.result()).toBe(new MeanIou().update(labels(), logits()).result());
});

test('update is refused where the backend cannot be read at once', () => {
  jest.spyOn(reading, 'canReadAtOnce').mockReturnValue(false);
  const scores = new MeanIou();
  expect(() => scores.update(labels(), logits())).toThrow(
    `MeanIou.update: cannot read ${tf.getBackend()} at once: await updateAsync, which runs everywhere`,
  );
  expect(scores.samples).toBe(0);
});
