/** Values are read on the first call of each kind, and never again. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../support/allEntries.js';
import { checkValues, diceLoss, iouLoss, kernelsInUse, lovaszHingeLoss } from '../../src/index.js';
import { MeanIou } from '../../src/metrics/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { LOSSES, lossNamed } from '../support/oracle.js';
import { randomArray, randomDistribution, randomLogits } from '../support/random.js';

const SHAPE = [2, 4, 4, 3];
const soft = () => toTensor(randomDistribution(SHAPE, 1, 3));
const logits = () => toTensor(randomLogits(SHAPE, 2));

/** The number of times that a call reads values back. */
function readsOf(run: () => unknown): number {
  const backend = tf.backend();
  const before = backend.readSync;
  let reads = 0;
  backend.readSync = function (...args) {
    reads++;
    return before.apply(this, args);
  };
  try {
    run();
  } finally {
    backend.readSync = before;
  }
  return reads;
}

beforeEach(() => checkValues('first'));
afterEach(() => checkValues('first'));

type Call = () => unknown;
const votes = [[[3, 1]], [[2, 2]]];

const CALLS: [string, Call][] = [
  ...LOSSES.flatMap((name): [string, Call][] => [
    [name, () => lossNamed(name)(soft(), logits())],
    [`the gradient of ${name}`, () => tf.grad((z) => lossNamed(name)(soft(), z))(logits())],
  ]),
  ['overlap', () => softseg.overlap(soft(), logits())],
  ['lovaszSoftmaxLoss', () => softseg.lovaszSoftmaxLoss(soft(), logits())],
  ['lovaszHingeLoss', () => lovaszHingeLoss(tf.round(soft()), logits())],
  ['clDiceLoss', () => softseg.clDiceLoss(soft(), logits())],
  ['boundaryLoss', () => softseg.boundaryLoss(soft(), logits(), { distances: logits() })],
  ['deepSupervisionLoss', () => softseg.deepSupervisionLoss(diceLoss, soft(), [tf.randomNormal([2, 2, 2, 3])])],
  ['iouScore', () => softseg.iouScore(soft(), logits())],
  ['brierScore', () => softseg.brierScore(soft(), logits())],
  ['expectedCalibrationError', () => softseg.expectedCalibrationError(soft(), logits())],
  ['hausdorffDistance', () => softseg.hausdorffDistance(soft(), logits())],
  ['signedDistance', () => softseg.signedDistance(soft())],
  ['distanceTransform', () => softseg.distanceTransform(tf.zeros([1, 3, 3]))],
  ['powerSharpen', () => softseg.powerSharpen(soft(), 2)],
  ['softLabelsFromVotes', () => softseg.softLabelsFromVotes(tf.tensor(votes))],
  ['softLabelsFromMasks', () => softseg.softLabelsFromMasks(tf.tensor([[0, 1], [1, 1]]))], // prettier-ignore
  ['annotatorWeightsFromVotes', () => softseg.annotatorWeightsFromVotes(tf.tensor(votes))],
  ['disagreementEntropy', () => softseg.disagreementEntropy(soft())],
];

describe.each(CALLS)('%s', (_, call) => {
  test('reads values on its first call, and later no more than without checks', () => {
    checkValues('never');
    call(); // covers work that backends do only once
    const without = readsOf(call);
    checkValues('first');
    expect(readsOf(call)).toBeGreaterThan(without);
    expect(readsOf(call)).toBe(without);
    checkValues('always');
    for (let i = 0; i < 2; i++) expect(readsOf(call)).toBeGreaterThan(without);
    checkValues('first'); // starts over
    expect(readsOf(call)).toBeGreaterThan(without);
  });
});

describe('a kind of calls', () => {
  const checks = (run: () => unknown) => {
    checkValues('never');
    const without = readsOf(run);
    return { again: () => readsOf(run) > without };
  };
  const isChecked = (first: () => unknown, second: () => unknown) => {
    const { again } = checks(second);
    checkValues('first');
    first();
    return again();
  };
  const base = () => diceLoss(soft(), logits(), { sharpness: 2 });

  test('covers all batch sizes, spatial sizes, and values of options', () => {
    const small = (x: tf.Tensor) => tf.slice(x, [0, 0, 0, 0], [1, 3, 2, 3]);
    expect(isChecked(base, () => diceLoss(small(soft()), small(logits()), { sharpness: 3 }))).toBe(false);
    expect(isChecked(base, () => diceLoss(soft(), logits(), { sharpness: 3, smooth: undefined! }))).toBe(false);
  });

  test.each<[string, () => unknown]>([
    ['function', () => iouLoss(soft(), logits(), { sharpness: 2 })],
    ['kind of labels', () => diceLoss(tf.zeros([2, 4, 4], 'int32'), logits(), { sharpness: 2 })],
    ['dtype of labels', () => diceLoss(tf.oneHot(tf.zeros([2, 4, 4], 'int32'), 3), logits(), { sharpness: 2 })],
    ['rank', () => diceLoss(tf.reshape(soft(), [2, 16, 3]), tf.reshape(logits(), [2, 16, 3]), { sharpness: 2 })],
    ['number of classes', () => diceLoss(tf.zeros([2, 4, 4, 1]), tf.ones([2, 4, 4, 1]), { sharpness: 2 })],
    ['activation', () => diceLoss(soft(), logits(), { sharpness: 2, activation: 'sigmoid' })],
    ['option by name', () => diceLoss(soft(), logits(), { sharpness: 2, mask: tf.ones([2, 4, 4]) })],
  ])('covers one %s only', (_, other) => {
    expect(isChecked(base, other)).toBe(true);
  });

  test('passes only after a call in which a pixel counted', () => {
    const call = (weight: number) => diceLoss(tf.mul(soft(), 2), logits(), { mask: tf.fill([2, 4, 4], weight) });
    call(0);
    expect(() => call(1)).toThrow('diceLoss: labels must lie in [0, 1]');
  });

  test('passes only after a valid call', () => {
    const wrong = () => diceLoss(tf.mul(soft(), 2), logits());
    for (let i = 0; i < 3; i++) expect(wrong).toThrow('diceLoss: labels must lie in [0, 1]');
    diceLoss(soft(), logits());
    if (kernelsInUse() === 'composed') expect(wrong).not.toThrow();
  });
});

test('a loss that is wrapped, named or supervised at its own scale checks values once', () => {
  const more = (run: () => unknown) => {
    checkValues('never');
    const without = readsOf(run);
    checkValues('first');
    return readsOf(run) - without;
  };
  const mask = tf.ones([2, 4, 4]);
  const once = more(() => diceLoss(soft(), logits(), { mask }));
  expect(once).toBe(3);
  const { namedLoss, packMask, withMask } = softseg;
  expect(more(() => withMask(namedLoss('diceLoss'))(packMask(soft(), mask), logits()))).toBe(once);
  expect(more(() => softseg.deepSupervisionLoss(diceLoss, soft(), [logits()], { mask }))).toBe(once);
  const network = (xs: tf.Tensor) => tf.mul(xs, 1);
  const pieces = () => softseg.microBatches({ xs: logits(), ys: soft(), mask }, 1);
  expect(more(() => softseg.lossOfPieces(diceLoss, network, pieces()))).toBe(once);
});

describe('accumulators', () => {
  test('check every update, and do not change after an error', () => {
    const scores = new MeanIou().update(soft(), logits());
    const before = JSON.stringify(scores);
    for (let i = 0; i < 2; i++) {
      expect(() => scores.update(tf.mul(soft(), 255), logits())).toThrow('MeanIou.update: labels must lie in [0, 1]');
    }
    expect(JSON.stringify(scores)).toBe(before);
    checkValues('never');
    expect(() => scores.update(tf.mul(soft(), 255), logits())).not.toThrow();
  });

  test('check without blocking in updateAsync', async () => {
    const scores = await new MeanIou().updateAsync(soft(), logits());
    await expect(scores.updateAsync(tf.mul(soft(), 255), logits())).rejects.toThrow('MeanIou.updateAsync: labels must');
  });
});

describe('sums that losses read', () => {
  const mask = () => tf.round(toTensor(randomArray([2, 4, 4, 1], 1, 0, 1)));
  const z = () => toTensor(randomArray([2, 4, 4, 1], 2, -2, 2));

  test('reveal labels and probabilities outside [0, 1] after the first call', () => {
    if (kernelsInUse() === 'composed') return; // composed kernels read no sums
    const p = () => tf.sigmoid(z());
    diceLoss(mask(), z());
    diceLoss(mask(), p(), { activation: 'none' });
    const wrong: [() => unknown, string][] = [
      [
        () => diceLoss(tf.mul(mask(), 255), z()),
        "diceLoss: labels must lie in [0, 1], but the sum 'labelled' of sample",
      ],
      [
        () => diceLoss(mask(), tf.sub(p(), 1), { activation: 'none' }),
        "diceLoss: probabilities must lie in [0, 1], but the sum 'predicted' of sample 0, class 0 is -",
      ],
    ];
    for (const [run, message] of wrong) {
      const before = tf.memory().numTensors;
      tf.engine().startScope();
      expect(run).toThrow(message);
      expect(() => tf.grad((x) => tf.mul(run() as tf.Tensor, tf.sum(x)))(tf.ones([2]))).toThrow(message);
      tf.engine().endScope();
      expect(tf.memory().numTensors).toBe(before);
      checkValues('never');
      expect(run).not.toThrow();
      checkValues('first');
      diceLoss(mask(), z());
      diceLoss(mask(), p(), { activation: 'none' });
    }
  });

  test('pass for labels and probabilities of 1, weights of any size, and distance maps', () => {
    checkValues('first');
    const ones = tf.ones([2, 4, 4, 1]);
    for (const weight of [1e-6, 1, 1e6]) {
      const options = { activation: 'none', mask: tf.fill([2, 4, 4], weight) } as const;
      for (const name of LOSSES) lossNamed(name)(ones, ones, options);
    }
    softseg.boundaryLoss(mask(), z(), { distances: tf.fill([2, 4, 4, 1], -9) });
  });
});

describe('the reported position of a value', () => {
  test('is the same for any class axis', () => {
    const z = tf.zeros([2, 3, 5, 4]);
    const t = tf.buffer([2, 3, 5, 4], 'float32', new Float32Array(120).fill(0.25));
    t.set(7, 1, 2, 3, 1);
    const last = t.toTensor();
    for (const [axis, order] of [
      [3, [0, 1, 2, 3]],
      [1, [0, 3, 1, 2]],
      [2, [0, 1, 3, 2]],
    ] as const) {
      // prettier-ignore
      const moved = (x: tf.Tensor) => tf.transpose(x, [...order]);
      expect(() => diceLoss(moved(last), moved(z), { axis })).toThrow('got 7 at sample 1, position [2,3]');
    }
  });

  test('is never under a mask, for any axis', () => {
    checkValues('always');
    const mask = tf.tensor([[1, 0, 1]]);
    const t = tf.tensor([[[0.5, 0.5], [NaN, 9], [1, 0]]]); // prettier-ignore
    const z = tf.tensor([[[1, 2], [NaN, Infinity], [1, 0]]]); // prettier-ignore
    const swap = (x: tf.Tensor) => tf.transpose(x, [0, 2, 1]);
    expectClose(diceLoss(t, z, { mask }), diceLoss(swap(t), swap(z), { mask, axis: 1 }));
  });
});
