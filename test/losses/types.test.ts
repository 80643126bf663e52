/** Facts about results that the compiler knows; `npm run types` checks this file. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  comboLoss,
  crossEntropyLoss,
  defineLoss,
  defineRegionLoss,
  diceLoss,
  iouLoss,
  type IouLossOptions,
  type OptionRules,
  type RegionOptions,
} from '../../src/index.js';
import type { SumsFormula } from '../../src/overlap/sumsFormula.js';

test('the reduction decides the type of the result', () => {
  const [t, z] = [tf.ones([2, 3, 1]), tf.zeros([2, 3, 1])];
  const mean: tf.Scalar = iouLoss(t, z, { overlap: 'product' });
  const sum: tf.Scalar = comboLoss(t, z, { reduction: 'sum' });
  const samples: tf.Tensor1D = diceLoss(t, z, { reduction: 'sample' });
  const table: tf.Tensor2D = diceLoss(t, z, { reduction: 'none' });
  const options: IouLossOptions = {};
  const any: tf.Tensor = iouLoss(t, z, options);
  // @ts-expect-error one value per pixel is not a scalar
  const pixels: tf.Scalar = crossEntropyLoss(t, z, { reduction: 'none' });
  // @ts-expect-error there is no such option
  expect(() => iouLoss(t, z, { smoothing: 1 })).toThrow();
  expect([mean, sum, samples, table, any, pixels].map(({ rank }) => rank)).toEqual([0, 0, 1, 2, 0, 2]);
});

test('a formula can read only the sums that it requests', () => {
  const right: SumsFormula<'predicted'> = {
    sums: ['predicted'],
    value: (_, { predicted }) => predicted,
    shape: () => [],
  };
  const wrong: SumsFormula<'predicted'> = {
    sums: ['predicted'],
    // @ts-expect-error it did not ask for labelled
    value: (_, { labelled }) => labelled as never,
    shape: () => [],
  };
  expect([right, wrong].map(({ sums }) => sums)).toEqual([['predicted'], ['predicted']]);
});

test('a loss has a rule for each of its options', () => {
  const rules: OptionRules<{ power?: number; hard?: boolean }> = {
    power: { kind: 'number', default: 2, least: 0 },
    // @ts-expect-error a flag is not a number
    hard: { kind: 'number', default: 0, least: 0 },
  };
  // @ts-expect-error there is no rule for power
  const none: OptionRules<{ power?: number }> = {};
  expect([rules, none].map((each) => Object.keys(each).length)).toEqual([2, 0]);
});

test("the rules of a user's loss define the types of its options", () => {
  const [t, z] = [tf.ones([2, 3, 1]), tf.zeros([2, 3, 1])];
  const powerLoss = defineLoss({
    name: 'powerLoss',
    options: {
      power: { kind: 'number', default: 2, least: 0 },
      mode: { kind: 'choice', values: ['sum', 'mean'], default: 'mean' },
      negative: { kind: 'flag', default: false },
      extra: { kind: 'other' },
    },
    own: ['power'],
    lowestAtLabels: ({ mode }) => mode === 'mean',
    loss(labels, predictions, { power = 2, mode = 'mean', negative = false }) {
      const errors = tf.pow(tf.abs(tf.sub(labels, tf.sigmoid(predictions))), power);
      return tf.mul(mode === 'sum' ? tf.sum(errors) : tf.mean(errors), negative ? -1 : 1);
    },
  });
  const ofPower: tf.Tensor = powerLoss(t, z, { power: 1, mode: 'sum', negative: true, extra: t });
  // @ts-expect-error there is no such option
  expect(() => powerLoss(t, z, { powr: 1 })).toThrow(`unknown option 'powr'`);
  // @ts-expect-error it is not one of the values
  expect(() => powerLoss(t, z, { mode: 'median' })).toThrow('mode must be');
  // @ts-expect-error a flag is not a number
  expect(() => powerLoss(t, z, { negative: 1 })).toThrow('negative must be');

  const rateLoss = defineRegionLoss({
    name: 'rateLoss',
    options: { factor: { kind: 'number', default: 3, least: 0 } },
    value: (a, { intersection, labelled }, { factor, smooth }) =>
      a.mul(a.divide(intersection, a.add(labelled, smooth), 1), factor),
  });
  const ofRates: tf.Tensor1D = rateLoss(t, z, { factor: 2, smooth: 0, reduction: 'sample' });
  // @ts-expect-error the option is a number
  expect(() => rateLoss(t, z, { factor: 'two' })).toThrow('factor must be a number');

  const writtenOut = defineLoss<{ scale?: number }>({
    name: 'writtenOut',
    options: { scale: { kind: 'number', default: 1, least: 0 } },
    loss: (labels, _, { scale = 1 }) => tf.mul(tf.mean(labels), scale),
  });
  const regionWrittenOut = defineRegionLoss<RegionOptions & { scale?: number }>({
    name: 'regionWrittenOut',
    options: { scale: { kind: 'number', default: 1, least: 0 } },
    value: (a, { labelled }, { scale }) => a.mul(labelled, scale),
  });
  const terms = [{ loss: powerLoss }, { loss: rateLoss, factor: 2 }, { loss: writtenOut }, { loss: regionWrittenOut }];
  expect([ofPower, ofRates, comboLoss(t, z, { terms })].map((value) => value.arraySync())).toEqual([-3, [1, 1], 5.25]);
});

test('a loss of defineLoss gets its options with their defaults, typed as present', () => {
  const seen: object[] = [];
  const own = defineLoss({
    name: 'own',
    options: {
      power: { kind: 'number', default: 2, least: 0 },
      hard: { kind: 'flag', default: false },
      mask: { kind: 'other' },
    },
    loss(_, predictions, options) {
      const exponent: number = options.power;
      const hard: boolean = options.hard;
      seen.push({ exponent, hard, mask: options.mask });
      return tf.sum(predictions);
    },
  });
  const [t, z] = [tf.ones([1, 2, 1]), tf.zeros([1, 2, 1])];
  own(t, z);
  own(t, z, { power: 3, hard: undefined as never });
  expect(seen).toEqual([
    { exponent: 2, hard: false, mask: undefined },
    { exponent: 3, hard: false, mask: undefined },
  ]);
});
