/** Scores as functions on tensors: they equal the oracle, and obey relations between calls. */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, diceLoss, iouLoss, tverskyLoss } from '../../src/index.js';
import {
  brierScore,
  ConfusionMatrix,
  expectedCalibrationError,
  iouScore,
  pixelAccuracy,
} from '../../src/metrics/index.js';
import * as oracle from '../reference/metrics.js';
import { centralDifference } from '../reference/index.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import { randomDistribution, randomLogits } from '../support/random.js';
import * as support from './support.js';
import { asTensors, PROBLEMS, scoreFunction, SCORES, type Function } from './support.js';

afterEach(() => checkValues('first'));

const weights = { alpha: 0.3, beta: 0.8 };
const ownOptions = (name: string) => (name === 'tversky' ? weights : {});

describe.each(SCORES)('%sScore', (name) => {
  const score = scoreFunction(name);
  const own = ownOptions(name);

  test.each(PROBLEMS)('equals the oracle on %s', (_, labels, predictions, options) => {
    for (const reduction of ['mean', 'sample', 'none'] as const) {
      for (const aggregate of reduction === 'sample' ? (['image'] as const) : (['image', 'batch'] as const)) {
        const all = { ...options, ...own, reduction, aggregate };
        const expected = oracle.regionScore(name, labels, predictions, all);
        tf.tidy(() => expectClose(score(toTensor(labels), toTensor(predictions), asTensors(all)), expected));
      }
    }
  });

  test('has the gradient of the oracle if soft', () => {
    const [labels, predictions] = [support.soft(), support.logits()];
    const gradient = tf.grad((z) => score(toTensor(labels), z, own) as tf.Scalar)(toTensor(predictions));
    const value = (z: typeof predictions) => oracle.regionScore(name, labels, z, own).data[0]!;
    expectClose(gradient, centralDifference(value, predictions));
  });

  test('has no gradient if hard', () => {
    const gradient = tf.grad((z) => tf.add(tf.sum(z), score(toTensor(support.soft()), z, { hard: true })));
    expect(new Set(gradient(toTensor(support.logits())).dataSync())).toEqual(new Set([1]));
  });

  test('is exactly 1 at p = t, on soft and on hard labels', () => {
    const p = toTensor(support.soft());
    expect([...score(p, p, { activation: 'none', reduction: 'sample' }).dataSync()]).toEqual([1, 1, 1]);
    expect(score(p, p, { activation: 'none', hard: true, aggregate: 'batch' }).dataSync()[0]).toBe(1);
    const indices = toTensor(support.someIndices());
    const certain = tf.mul(tf.oneHot(tf.cast(indices, 'int32'), 4).toFloat(), 1e4);
    expect([...score(indices, certain, { reduction: 'sample', hard: true }).dataSync()]).toEqual([1, 1, 1]);
    // TensorFlow's softmax of 1e4 against 0 is one unit in the last place below 1.
    expectClose(score(indices, certain), tf.scalar(1), 1e-6);
  });

  test('is below 1 away from p = t on soft labels', () => {
    const t = toTensor(support.soft());
    const rounded = tf.oneHot(tf.argMax(t, 3), 4).toFloat();
    expect(score(t, rounded, { activation: 'none' }).dataSync()[0]).toBeLessThan(0.95);
    expect(score(t, rounded, { activation: 'none', hard: true }).dataSync()[0]).toBe(1);
  });

  test('is the same soft and hard if predictions are ones and zeros', () => {
    const t = toTensor(support.someIndices());
    const p = tf.oneHot(tf.argMax(toTensor(support.logits()), 3), 4).toFloat();
    expectClose(score(t, p, { activation: 'none', hard: true }), score(t, p, { activation: 'none' }), 1e-6);
  });
});

/** Every score with options that suit it, for properties of all scores. */
const ALL: [string, Function][] = [
  ...SCORES.flatMap((name): [string, Function][] => [
    [`${name}Score`, scoreFunction(name)],
    [`${name}Score, hard`, (t, p, options) => scoreFunction(name)(t, p, { hard: true, ...options })],
  ]),
  ['brierScore', brierScore as Function],
  ['pixelAccuracy', pixelAccuracy as Function],
  ['expectedCalibrationError', expectedCalibrationError as Function],
  [
    'expectedCalibrationError per class',
    (t, p, options) => expectedCalibrationError(t, p, { confidence: 'class', ...options }),
  ],
];

describe.each(ALL)('%s', (_, score) => {
  const t = () => toTensor(support.soft());
  const z = () => toTensor(support.logits());
  const leftMask = () => tf.tile(tf.tensor([[[1, 1, 1, 0, 0]]]), [3, 4, 1]);
  const left = (x: tf.Tensor) => tf.slice(x, [0, 0, 0], [x.shape[0]!, x.shape[1]!, 3]);

  test('of a masked batch equals that of the cropped batch', () => {
    expectClose(score(t(), z(), { mask: leftMask() }), score(left(t()), left(z())));
    const broken = tf.where(leftMask().expandDims(-1).tile([1, 1, 1, 4]).cast('bool'), z(), tf.fill([3, 4, 5, 4], NaN));
    expectClose(score(t(), broken, { mask: leftMask() }), score(left(t()), left(z())));
  });

  test('ignores sentinel labels and an ignored class like a mask', () => {
    const marked = tf.where(leftMask().expandDims(-1).tile([1, 1, 1, 4]).cast('bool'), t(), tf.fill([3, 4, 5, 4], -1));
    expectClose(score(marked, z(), { ignoreLabel: -1 }), score(t(), z(), { mask: leftMask() }));
    const indices = toTensor(support.someIndices());
    const ignored = tf.where(leftMask().cast('bool'), indices, tf.fill([3, 4, 5], 255, 'int32'));
    expectClose(score(ignored, z(), { ignoreLabel: 255 }), score(indices, z(), { mask: leftMask() }));
  });

  test('over another class axis equals that of the transposed tensors', () => {
    const front = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    expectClose(score(front(t()), front(z()), { axis: 1 }), score(t(), z()));
    const middle = (x: tf.Tensor) => tf.transpose(x, [0, 1, 3, 2]);
    expectClose(score(middle(t()), middle(z()), { axis: -2 }), score(t(), z()));
    const indices = toTensor(support.someIndices());
    expectClose(score(indices, front(z()), { axis: 1 }), score(indices, z()));
  });

  test('of class indices equals that of their one-hot labels', () => {
    const indices = toTensor(support.someIndices());
    expectClose(score(indices, z()), score(tf.oneHot(tf.cast(indices, 'int32'), 4).toFloat(), z()));
  });

  test('does not depend on the order of the pixels, and takes images in 1-D, in 3-D, or of one pixel', () => {
    const turn = (x: tf.Tensor) => tf.reverse(x, [1, 2]);
    expectClose(score(turn(t()), turn(z())), score(t(), z()));
    expectClose(score(t().reshape([3, 20, 4]), z().reshape([3, 20, 4])), score(t(), z()));
    expectClose(score(t().reshape([3, 2, 2, 5, 4]), z().reshape([3, 2, 2, 5, 4])), score(t(), z()));
    expectFinite(score(t().reshape([60, 4]), z().reshape([60, 4])));
  });

  test('is finite for extreme logits, for empty and full labels, and if every pixel is ignored', () => {
    const extreme = tf.mul(tf.sign(z()), 1e4);
    const nothing = tf.zeros([3, 4, 5, 4]);
    for (const activation of ['softmax', 'sigmoid']) {
      const options = activation === 'sigmoid' ? { activation, confidence: undefined } : { activation };
      if (score === ALL.at(-1)![1] && activation === 'sigmoid') continue; // its options need softmax
      for (const labels of [t(), nothing, tf.ones([3, 4, 5, 4])]) {
        for (const logits of [z(), extreme, nothing]) {
          const own = { activation: options.activation };
          expectFinite(score(labels, logits, own));
          expectFinite(score(labels, logits, { ...own, mask: tf.zeros([3, 4, 5]) }));
        }
      }
    }
    const infinite = tf.where(
      tf
        .equal(tf.range(0, 4, 1, 'int32'), 1)
        .tile([60])
        .reshape([3, 4, 5, 4]),
      tf.fill([3, 4, 5, 4], -Infinity),
      z(),
    );
    expectFinite(score(t(), infinite));
  });

  test('is NaN where predictions are NaN and values are not checked: a diverged network has no score', () => {
    checkValues('never');
    const broken = tf.concat([tf.fill([1, 4, 5, 4], NaN), tf.slice(z(), 1)]);
    expect(score(t(), broken).dataSync()[0]).toBeNaN();
    expect(score(t(), broken, { activation: 'sigmoid' }).dataSync()[0]).toBeNaN();
  });
});

describe('a region score', () => {
  test('is 1 minus the loss if every class is present', () => {
    const [t, z] = [toTensor(support.soft()), toTensor(support.logits())];
    const pairs = [
      [scoreFunction('iou'), iouLoss],
      [scoreFunction('dice'), diceLoss],
      [(t: tf.Tensor, z: tf.Tensor, o?: object) => scoreFunction('tversky')(t, z, { ...o, ...weights }), tverskyLoss],
    ] as const;
    for (const [score, loss] of pairs) {
      const own = loss === tverskyLoss ? weights : {};
      for (const options of [{}, { overlap: 'product' }, { aggregate: 'batch' }, { classWeights: [1, 2, 3, 4] }]) {
        const expected = tf.sub(1, (loss as Function)(t, z, { ...options, ...own }));
        expectClose(score(t, z, options), expected);
      }
    }
  });

  test('of Tversky is IoU for weights 1 and 1, Dice for 1/2 and 1/2, precision for 1 and 0, recall for 0 and 1', () => {
    const [t, z] = [toTensor(support.soft()), toTensor(support.logits())];
    const tversky = (alpha: number, beta: number) => scoreFunction('tversky')(t, z, { alpha, beta, reduction: 'none' });
    for (const [name, alpha, beta] of [
      ['iou', 1, 1],
      ['dice', 0.5, 0.5],
      ['precision', 1, 0],
      ['recall', 0, 1],
    ] as const) {
      expectClose(tversky(alpha, beta), scoreFunction(name)(t, z, { reduction: 'none' }));
    }
  });

  test('of hard predictions assigns a pixel without a class to none', () => {
    // The second pixel has no class, which value checks refuse: it must not count for the first class.
    checkValues('never');
    const t = tf.tensor([
      [
        [1, 0],
        [0, 0],
      ],
    ]);
    const z = tf.tensor([
      [
        [2, 0],
        [0, 2],
      ],
    ]);
    expect([...iouScore(t, z, { hard: true, reduction: 'none' }).dataSync()]).toEqual([1, 0]);
  });

  test('of hard predictions takes the first maximum, and excludes values at the threshold', () => {
    const t = tf.tensor([[0, 1]], [1, 2], 'int32');
    const tie = tf.zeros([1, 2, 2]);
    expect([...iouScore(t, tie, { hard: true, reduction: 'none' }).dataSync()]).toEqual([0.5, 0]);
    expect(iouScore(t, tf.zeros([1, 2, 1]), { hard: true }).dataSync()[0]).toBe(0);
  });
});

describe.each([
  ['precisionScore', 1, 0],
  ['recallScore', 0, 1],
] as const)('%s', (name, rare, frequent) => {
  test('is exact where one of P and T is far below the other', () => {
    // 10,000 pixels of 1, and of 1e-5: the difference of the sums 10,000 and 0.1 would leave no digit for the
    // precision.
    const [ones, small] = [tf.ones([1, 10_000, 1]), tf.fill([1, 10_000, 1], 1e-5)];
    const [t, p] = name === 'precisionScore' ? [ones, small] : [small, ones];
    const score = scoreFunction(name === 'precisionScore' ? 'precision' : 'recall');
    expect(score(t, p, { activation: 'none' }).dataSync()[0]).toBeCloseTo(1, 5);
    const tversky = scoreFunction('tversky')(t, p, { activation: 'none', alpha: rare, beta: frequent });
    expect(tversky.dataSync()[0]).toBeCloseTo(1, 4);
  });
});

describe('brierScore', () => {
  test.each(PROBLEMS.filter(([, , , { hard }]) => hard === undefined))(
    'equals the oracle on %s',
    (_, t, z, options) => {
      const { mask, activation, sharpness } = options as {
        mask?: typeof t;
        activation?: 'sigmoid';
        sharpness?: number;
      };
      const own = { ...(mask && { mask }), ...(activation && { activation }), ...(sharpness && { sharpness }) };
      for (const reduction of ['mean', 'sample'] as const) {
        for (const classes of z.shape[3] === 4 ? ([[0, 2], 'all'] as const) : (['all'] as const)) {
          const all = { ...own, reduction, classes: classes as number[] | 'all' };
          expectClose(brierScore(toTensor(t), toTensor(z), asTensors(all)), oracle.brierScore(t, z, all));
        }
      }
    },
  );

  test('has the gradient of the oracle, and second derivatives', () => {
    for (const activation of ['softmax', 'sigmoid'] as const) {
      const [t, z] = [randomDistribution([1, 3, 3], 21, 2), randomLogits([1, 3, 3], 22)];
      const score = (x: tf.Tensor) => brierScore(toTensor(t), x, { activation });
      const value = (x: typeof z) => oracle.brierScore(t, x, { activation }).data[0]!;
      const gradient = tf.grad(score);
      expectClose(gradient(toTensor(z)), centralDifference(value, z));
      const along = toTensor(randomLogits([1, 3, 3], 23));
      const second = tf.grad((x) => tf.sum(tf.mul(gradient(x), along)))(toTensor(z));
      const step = 1e-2;
      const shifted = (sign: number) => gradient(tf.add(toTensor(z), tf.mul(along, sign * step)));
      expectClose(second, tf.div(tf.sub(shifted(1), shifted(-1)), 2 * step), 1e-2);
    }
  });

  test('is lowest at p = t on soft labels', () => {
    for (const t of [0, 0.3, 0.5, 1]) {
      const grid = Array.from({ length: 101 }, (_, i) => i / 100);
      const at = (p: number) =>
        brierScore(tf.tensor([[[t]]]), tf.tensor([[[p]]]), { activation: 'none' }).dataSync()[0]!;
      expect(grid.reduce((best, p) => (at(p) < at(best) ? p : best))).toBe(t);
    }
  });
});

describe('pixelAccuracy', () => {
  const hard = PROBLEMS.filter(([, , , options]) => options['hard'] === true || Object.keys(options).length === 0);

  test.each(hard)('equals the oracle on %s', (_, t, z, { activation, sharpness, threshold, ignoreLabel, mask }) => {
    const given = { activation, sharpness, threshold, ignoreLabel, mask };
    const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    for (const reduction of ['mean', 'sample'] as const) {
      const expected = oracle.pixelAccuracy(t, z, { ...own, reduction });
      expectClose(pixelAccuracy(toTensor(t), toTensor(z), { ...asTensors(own), reduction }), expected, 1e-6);
    }
  });

  test('thresholds one class at a logit of 0 or a probability of 1/2', () => {
    const t = tf.tensor([[0, 1, 1, 0]], [1, 4], 'int32');
    const z = tf.tensor([-3, 0.3, -0.1, 0.2], [1, 4, 1]);
    expect(pixelAccuracy(t, z).dataSync()[0]).toBe(0.5);
    expect(pixelAccuracy(t, tf.sigmoid(z), { activation: 'none' }).dataSync()[0]).toBe(0.5);
    expect(pixelAccuracy(t, z, { threshold: 0.56 }).dataSync()[0]).toBe(0.75);
  });

  test('is taken over all pixels, like that of a confusion matrix, and is not the mean of samples', () => {
    const [t, z] = [toTensor(support.someIndices()), toTensor(support.logits())];
    const mask = tf.tensor([1, 0.25, 3]).reshape([3, 1, 1]).tile([1, 4, 5]);
    const { accuracy } = new ConfusionMatrix().update(t, z, { mask }).result();
    expect(pixelAccuracy(t, z, { mask }).dataSync()[0]).toBeCloseTo(accuracy, 6);
    const samples = [...pixelAccuracy(t, z, { mask, reduction: 'sample' }).dataSync()] as [number, number, number];
    expect((samples[0] + 0.25 * samples[1] + 3 * samples[2]) / 4.25).toBeCloseTo(accuracy, 6);
  });

  test('is exactly 1 if everything is correct, with any weights, and exactly 0 if everything is wrong', () => {
    const indices = toTensor(support.someIndices());
    const right = tf.cast(tf.oneHot(indices as tf.Tensor3D, 4), 'float32');
    const mask = tf.randomUniform([3, 4, 5], 0.1, 3);
    for (const options of [{}, { mask }, { mask, activation: 'sigmoid' as const }]) {
      const logits = tf.sub(right, 0.5);
      expect(pixelAccuracy(indices, logits, options).dataSync()[0]).toBe(1);
      expect(pixelAccuracy(right, logits, options).dataSync()[0]).toBe(1);
    }
    const next = tf.cast(tf.mod(tf.add(indices, 1), 4), 'int32');
    expect(pixelAccuracy(next, right, { mask }).dataSync()[0]).toBe(0);
  });

  test('counts a pixel without a class as wrong, and is 1 if no pixel counts', () => {
    checkValues('never');
    const z = tf.tensor([[[1, 0], [1, 0]]]); // prettier-ignore
    expect(pixelAccuracy(tf.tensor([[[1, 0], [0, 0]]]), z).dataSync()[0]).toBe(0.5); // prettier-ignore
    expect(pixelAccuracy(tf.tensor([[0, 7]], [1, 2], 'int32'), z).dataSync()[0]).toBe(0.5);
    const mask = tf.zeros([1, 2]);
    for (const activation of ['softmax', 'sigmoid'] as const) {
      expect(pixelAccuracy(tf.zeros([1, 2], 'int32'), z, { mask, activation }).dataSync()[0]).toBe(1);
    }
  });

  test('has no gradient', () => {
    const gradient = tf.grad((z) => tf.add(tf.sum(z), pixelAccuracy(toTensor(support.soft()), z)));
    expect(new Set(gradient(toTensor(support.logits())).dataSync())).toEqual(new Set([1]));
  });
});

describe('expectedCalibrationError', () => {
  test.each([
    ['class indices', support.someIndices(), support.logits(), {}],
    ['class indices in four bins', support.someIndices(), support.logits(), { bins: 4 }],
    ['class indices with a mask', support.someIndices(), support.logits(), { mask: support.mask() }],
    ['soft labels', support.soft(), support.logits(), { sharpness: 0.5 }],
    ['soft labels per class', support.soft(), support.logits(), { confidence: 'class' }],
    ['soft labels of some classes', support.soft(), support.logits(), { classes: [1, 3] }],
    ['overlapping classes', support.multilabel(), support.logits(), { activation: 'sigmoid', bins: 10 }],
    ['one class', support.binaryLabels(), support.binaryLogits(), { bins: 7 }],
    ['two bins', support.soft(), support.logits(), { bins: 2 }],
  ] as const)('is that of the oracle on %s', (_, t, z, options) => {
    const expected = oracle.expectedCalibrationError(t, z, options as object);
    const actual = expectedCalibrationError(toTensor(t), toTensor(z), asTensors(options as object));
    expectClose(actual, expected);
  });

  test('is 0 if confidences equal the labels', () => {
    const t = toTensor(support.soft());
    for (const confidence of ['top', 'class'] as const) {
      expect(expectedCalibrationError(t, t, { activation: 'none', confidence }).dataSync()[0]).toBe(0);
    }
  });

  test('puts the confidences 0 and 1 into the first and the last bin', () => {
    const p = tf.tensor([[[0], [1]]]);
    const t = tf.tensor([[[1], [1]]]);
    expect(expectedCalibrationError(t, p, { activation: 'none', bins: 10 }).dataSync()[0]).toBe(0.5);
  });

  test('has no gradient', () => {
    const gradient = tf.grad((z) => tf.add(tf.sum(z), expectedCalibrationError(toTensor(support.soft()), z)));
    expect(new Set(gradient(toTensor(support.logits())).dataSync())).toEqual(new Set([1]));
  });
});

test('sums of many pixels are exact', () => {
  // Added one float32 after the other, 512×512 pixels of 0.1 would be off by 0.25 %.
  const p = tf.fill([1, 512, 512, 1], 0.1);
  const t = tf.fill([1, 512, 512, 1], 0.3);
  expect(expectedCalibrationError(t, p, { activation: 'none' }).dataSync()[0]).toBeCloseTo(0.2, 6);
  expect(brierScore(t, p, { activation: 'none' }).dataSync()[0]).toBeCloseTo(0.04, 7);
  expect(iouScore(t, p, { activation: 'none' }).dataSync()[0]).toBeCloseTo(1 / 3, 6);
});
