import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, iouLoss, lovaszHingeLoss, lovaszSoftmaxLoss, softOneHot } from '../../src/index.js';
import * as reference from '../reference/index.js';
import type { NdArray } from '../reference/index.js';
import * as lovasz from '../reference/lovasz.js';
import { expectClose, expectFinite, toArray, toTensor } from '../support/compare.js';
import {
  randomArray,
  randomDistribution,
  randomIndices,
  randomLabels,
  randomLogits,
  randomNumbers,
} from '../support/random.js';
import { tensorOptions, type Loss, type Options, type ReferenceLoss } from '../support/oracle.js';

const losses = {
  lovaszSoftmaxLoss: lovaszSoftmaxLoss as Loss,
  lovaszHingeLoss: lovaszHingeLoss as Loss,
};
type Name = keyof typeof losses;
const NAMES = Object.keys(losses) as Name[];

const numbers = (tensor: tf.Tensor) => [...tensor.dataSync()];
const only = (tensor: tf.Tensor) => tensor.dataSync()[0]!;

/**
 * Compares the value and the gradient to the predictions with the oracle; for soft labels, also the gradient to labels.
 */
function expectLikeOracle(name: Name, labels: NdArray, predictions: NdArray, options: Options, soft = false): void {
  tf.tidy(() => {
    const loss = losses[name];
    const expected = lovasz[name] as ReferenceLoss;
    const own = tensorOptions(options);
    const [t, z] = [toTensor(labels), toTensor(predictions)];
    const value = expected(labels, predictions, options);
    expectClose(loss(t, z, own), value);
    const factors = value.data.map((_, i) => 1 + 0.25 * (i % 5));
    const total = (t: NdArray, z: NdArray) =>
      expected(t, z, options).data.reduce((sum, v, i) => sum + v * factors[i]!, 0);
    const scaled = (t: tf.Tensor, z: tf.Tensor) => {
      const result = loss(t, z, own);
      return tf.sum(tf.mul(result, tf.tensor(Float32Array.from(factors), result.shape)));
    };
    expectClose(
      tf.grad((x) => scaled(t, x))(z),
      reference.centralDifference((x) => total(labels, x), predictions),
    );
    if (!soft) return;
    expectClose(
      tf.grad((x) => scaled(x, z))(t),
      reference.centralDifference((x) => total(x, predictions), labels),
    );
  });
}

const shape = [2, 3, 4, 3];
const mask = { ...randomIndices([2, 3, 4], 4, 2), dtype: undefined };
const pixelWeights = randomArray([2, 3, 4], 5, 0.2, 2);
const OPTIONS: [string, Options][] = [
  ['no options', {}],
  ['the batch as one image', { aggregate: 'batch' }],
  ['all classes', { classes: 'all' }],
  ['present classes', { classes: 'present' }],
  ['two classes', { classes: [0, 2] }],
  ['class weights', { classWeights: [0.5, 0, 2] }],
  ['sharpness', { sharpness: 2 }],
  ['reduction sum', { reduction: 'sum' }],
  ['reduction none', { reduction: 'none' }],
  ['reduction none over the batch', { reduction: 'none', aggregate: 'batch' }],
  ['reduction sample', { reduction: 'sample', classes: [1] }],
  ['a mask', { mask }],
  ['weights of pixels', { mask: pixelWeights, aggregate: 'batch' }],
];

describe.each(NAMES)('%s', (name) => {
  const indices = randomIndices([2, 3, 4], 1, 3);
  // Class 1 is absent in the first image.
  indices.data.forEach((c, i) => i < 12 && c === 1 && (indices.data[i] = 0));
  const logits = randomLogits(shape, 2);

  test.each(OPTIONS)('equals the definition on class indices with %s', (_, options) => {
    expectLikeOracle(name, indices, logits, options);
  });

  test('equals the definition with ignored pixels, another class axis, and one class', () => {
    expectLikeOracle(name, indices, logits, { ignoreLabel: 2, classes: 'present' });
    expectLikeOracle(name, randomIndices([2, 3, 5], 6, 4), randomLogits([2, 4, 3, 5], 7), { axis: 1 });
    expectLikeOracle(name, randomIndices([2, 3, 5], 6, 4), randomLogits([2, 3, 4, 5], 7), {
      axis: -2,
      mask: undefined,
    });
    expectLikeOracle(name, randomIndices([3, 6, 1], 8, 2), randomLogits([3, 6, 1], 9), {});
    expectLikeOracle(name, randomIndices([5], 8, 3), randomLogits([5, 3], 9), { aggregate: 'batch' });
  });

  test('has a gradient to an empty label', () => {
    // For one pixel without a label, the loss is p - t where p is above t.
    const gradient = tf.grad((t) => lovaszSoftmaxLoss(t, tf.tensor([[0]]), { activation: 'sigmoid' }))(
      tf.tensor([[0]]),
    );
    expectClose(gradient, tf.tensor([[-1]]));
  });

  test('equals the definition over more pixels than one run of a sum takes', () => {
    expectLikeOracle(name, randomIndices([1, 80, 1], 8, 2), randomLogits([1, 80, 1], 9), {});
  });

  test('takes one-hot labels of any dtype as class indices', () => {
    const t = toTensor(indices);
    const z = toTensor(logits);
    const expected = tf.grad((x) => losses[name](t, x, { classes: 'all' }))(z);
    const oneHot = tf.oneHot(t as tf.Tensor1D, 3);
    for (const dtype of ['int32', 'bool', 'float32'] as const) {
      const soft = tf.cast(oneHot, dtype);
      expectClose(losses[name](soft, z, { classes: 'all' }), losses[name](t, z, { classes: 'all' }));
      expectClose(tf.grad((x) => losses[name](soft, x, { classes: 'all' }))(z), expected);
    }
  });

  test('of a masked image equals that of the cropped image, whatever the mask hides', () => {
    const z = toTensor(randomLogits([1, 6, 3], 3));
    const t = tf.tensor([0, 1, 2, 2, 0, 1], [1, 6], 'int32');
    const hidden = tf.concat([z, tf.fill([1, 2, 3], NaN), tf.fill([1, 1, 3], Infinity)], 1);
    const labels = tf.concat([t, tf.zeros([1, 3], 'int32')], 1);
    const own = tf.tensor([1, 1, 1, 1, 1, 1, 0, 0, 0], [1, 9]);
    expectClose(losses[name](labels, hidden, { mask: own }), losses[name](t, z));
    const gradient = tf.grad((x) => losses[name](labels, x, { mask: own }))(hidden);
    expectClose(tf.slice(gradient, [0, 0, 0], [1, 6, 3]), tf.grad((x) => losses[name](t, x))(z));
    expectClose(tf.slice(gradient, [0, 6, 0], [1, 3, 3]), tf.zeros([1, 3, 3]));
  });

  test('counts a pixel of weight 2 twice', () => {
    const z = toTensor(randomLogits([1, 5, 2], 3));
    const t = tf.tensor([0, 1, 1, 0, 1], [1, 5], 'int32');
    const twice = [0, 1, 1, 2, 3, 4, 4];
    const many = (x: tf.Tensor) => tf.gather(x, twice, 1);
    expectClose(losses[name](t, z, { mask: tf.tensor([[1, 2, 1, 1, 2]]) }), losses[name](many(t), many(z)));
  });

  test('does not depend on the order of pixels, even where errors tie', () => {
    const z = tf.tensor([1, -1, 1, 1, -1, -1, 1, -1], [1, 8, 1]);
    const t = tf.tensor([1, 1, 0, 0, 0, 1, 1, 0], [1, 8, 1], 'int32');
    const turned = [3, 1, 7, 0, 2, 6, 5, 4];
    expectClose(losses[name](tf.gather(t, turned, 1), tf.gather(z, turned, 1)), losses[name](t, z));
  });

  test('over the batch equals that of all images joined into one', () => {
    const z = toTensor(logits);
    const t = toTensor(indices);
    expectClose(
      losses[name](t, z, { aggregate: 'batch' }),
      losses[name](tf.reshape(t, [1, 24]), tf.reshape(z, [1, 24, 3])),
    );
  });

  test('and its gradient are finite for extreme logits, and for empty, full and ignored masks', () => {
    const z = tf.tensor([1e4, -1e4, -Infinity, 1e4, 0, 0, -1e4, 1e4], [1, 4, 2]);
    const masks = [tf.zeros([1, 4], 'int32'), tf.ones([1, 4], 'int32'), tf.tensor([0, 1, 0, 1], [1, 4], 'int32')];
    for (const t of masks) {
      for (const options of [{}, { classes: 'all' }, { ignoreLabel: 0 }, { mask: tf.zeros([1, 4]) }]) {
        expectFinite(losses[name](t, z, options));
        expectFinite(tf.grad((x) => losses[name](t, x, options))(z));
      }
    }
    const none = losses[name](masks[0]!, z, { ignoreLabel: 0 });
    expect(only(none)).toBe(0);
  });

  test('does not hide NaN in the predictions', () => {
    checkValues('never');
    const z = tf.tensor([1, NaN, -1, 2, 0.5, 0.25], [1, 6, 1]);
    const t = tf.tensor([1, 1, 0, 0, 1, 0], [1, 6, 1], 'int32');
    expect(only(losses[name](t, z))).toBeNaN();
  });

  test('has second derivatives of 0', () => {
    const z = toTensor(randomLogits([1, 8, 1], 3));
    const t = tf.tensor([1, 1, 0, 0, 1, 0, 0, 1], [1, 8, 1], 'int32');
    const activation = name === 'lovaszSoftmaxLoss' ? { activation: 'none' } : {};
    const p = name === 'lovaszSoftmaxLoss' ? tf.sigmoid(z) : z;
    const slope = (x: tf.Tensor) => tf.sum(tf.square(tf.grad((y) => losses[name](t, y, activation))(x)));
    expect(numbers(tf.grad(slope)(p))).toEqual(Array.from({ length: 8 }, () => 0));
  });

  test('leaves no tensor, also when it throws', () => {
    const t = tf.zeros([2, 5], 'int32');
    const z = tf.randomNormal([2, 5, 3]);
    const own = tf.ones([2, 5]);
    const before = tf.memory().numTensors;
    losses[name](t, z, { mask: own, ignoreLabel: 1 }).dispose();
    tf.grad((x) => losses[name](t, x, { mask: own }))(z).dispose();
    expect(() => losses[name](t, z, { mask: own, classWeights: [1] })).toThrow();
    expect(() => losses[name](t, z, { mask: own, classes: [3] })).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuses invalid options', () => {
    const t = tf.zeros([2, 5], 'int32');
    const z = tf.zeros([2, 5, 3]);
    const refused = (options: object, message: string) =>
      expect(() => losses[name](t, z, options)).toThrow(`${name}: ${message}`);
    refused({ absent: 'skip' }, "unknown option 'absent'; it takes");
    refused({ aggregate: 'all' }, `aggregate must be 'image', 'batch', got "all"`);
    refused({ reduction: 'max' }, `reduction must be 'mean', 'sum', 'none', 'sample', got "max"`);
    refused(
      { reduction: 'sample', aggregate: 'batch' },
      "reduction 'sample' needs aggregate 'image', got 'batch', which has no value per sample",
    );
    refused({ classes: 'some' }, `classes must be 'present', 'all' or a list of class indices, got "some"`);
    refused({ classes: [3] }, "classes must be 'all' or a list of different class indices in 0..2, got [3]");
    refused({ classWeights: [1] }, 'classWeights must be a list of 3 numbers, one per class, got [1]');
    refused({ sharpness: 0 }, 'sharpness must be a number > 0, got 0');
    expect(() => losses[name](tf.zeros([2, 4], 'int32'), z)).toThrow(`${name}: labels [2,4] must have the shape`);
  });
});

describe('lovaszSoftmaxLoss', () => {
  const distribution = randomDistribution(shape, 3, 3);
  const logits = randomLogits(shape, 2);

  test.each(OPTIONS)('equals the definition on soft labels with %s', (_, options) => {
    expectLikeOracle('lovaszSoftmaxLoss', distribution, logits, options, true);
  });

  test('equals the definition on soft labels with ignored pixels, and with other activations and axes', () => {
    const marked = { ...distribution, data: distribution.data.map((t, i) => (i % 15 === 4 ? -1 : t)) };
    expectLikeOracle('lovaszSoftmaxLoss', marked, logits, { ignoreLabel: -1 });
    const overlapping = randomLabels(shape, 7);
    expectLikeOracle('lovaszSoftmaxLoss', overlapping, logits, { activation: 'sigmoid', sharpness: 0.5 }, true);
    const probabilities = randomArray(shape, 8, 0.01, 0.99);
    expectLikeOracle('lovaszSoftmaxLoss', overlapping, probabilities, { activation: 'none', axis: 1 }, true);
    expectLikeOracle('lovaszSoftmaxLoss', randomLabels([2, 9, 1], 7), randomLogits([2, 9, 1], 6), {}, true);
  });

  test('takes a relaxation as its activation', () => {
    const [t, z] = [toTensor(distribution), toTensor(logits)];
    const activation = (x: tf.Tensor) => softOneHot(x, { sharpness: 2 });
    expectClose(lovaszSoftmaxLoss(t, z, { activation }), lovaszSoftmaxLoss(t, z, { sharpness: 2 }));
    expectClose(
      tf.grad((x) => lovaszSoftmaxLoss(t, x, { activation }))(z),
      tf.grad((x) => lovaszSoftmaxLoss(t, x, { sharpness: 2 }))(z),
    );
  });

  test('equals 1 - IoU for every hard prediction of every hard mask', () => {
    const bits = (m: number) => [0, 1, 2, 3].map((i) => (m >> i) & 1);
    for (let label = 1; label < 16; label++) {
      const t = tf.tensor(bits(label), [1, 4, 1]);
      const all = tf.tensor(Array.from({ length: 16 }, (_, p) => bits(p)).flat(), [16, 4, 1]);
      const tiled = tf.tile(t, [16, 1, 1]);
      const distances = Array.from({ length: 16 }, (_, p) => {
        const count = (m: number) => bits(m).filter(Boolean).length;
        return 1 - count(p & label) / count(p | label);
      });
      const values = lovaszSoftmaxLoss(tiled, all, { activation: 'none', reduction: 'sample' });
      expectClose(values, tf.tensor(distances));
    }
  });

  test('equals the metric form of the IoU loss wherever each p is 0, 1 or the soft label', () => {
    const random = randomNumbers(12);
    const t = randomLabels([20, 7, 1], 11);
    const p = { ...t, data: t.data.map((label) => [0, 1, label][Math.floor(3 * random())]!) };
    const options = { activation: 'none', reduction: 'sample' } as const;
    expectClose(lovaszSoftmaxLoss(toTensor(t), toTensor(p), options), iouLoss(toTensor(t), toTensor(p), options));
  });

  test.each([0.1, 0.3, 0.5, 0.93, 1])('is lowest at p = t for t = %d', (t) => {
    const grid = Array.from({ length: 101 }, (_, i) => i / 100);
    const p = tf.tensor(
      grid.flatMap((value) => [value, value, value, value]),
      [101, 4, 1],
    );
    const values = numbers(lovaszSoftmaxLoss(tf.fill([101, 4, 1], t), p, { activation: 'none', reduction: 'sample' }));
    expect(grid[values.indexOf(Math.min(...values))]).toBeCloseTo(t, 6);
    expect(Math.min(...values)).toBeLessThan(1e-6);
  });

  test('and its gradient are 0 at p = t, for different pixels', () => {
    const t = tf.tensor([0, 0.2, 0.93, 1, 0.5, 0.07], [1, 6, 1]);
    const p = tf.add(t, 0);
    expect(only(lovaszSoftmaxLoss(t, p, { activation: 'none' }))).toBe(0);
    const gradient = tf.grad((x) => lovaszSoftmaxLoss(t, x, { activation: 'none' }))(p);
    expect(Math.max(...numbers(gradient).map(Math.abs))).toBe(0);
  });

  test('grows along every straight line from p = t', () => {
    const t = toTensor(randomLabels([30, 6, 1], 21));
    const end = toTensor(randomLabels([30, 6, 1], 22));
    let before = tf.zeros([30]);
    for (const share of [0.01, 0.25, 0.5, 0.75, 1]) {
      const p = tf.add(t, tf.mul(tf.sub(end, t), share));
      const values = lovaszSoftmaxLoss(t, p, { activation: 'none', reduction: 'sample' });
      expect(Math.min(...numbers(tf.sub(values, before)))).toBeGreaterThan(1e-4);
      before = values as tf.Tensor1D;
    }
  });

  test('is convex in p on hard labels', () => {
    const t = tf.cast(toTensor(randomIndices([200, 6, 1], 31, 2)), 'float32');
    const [a, b] = [toTensor(randomLabels([200, 6, 1], 32)), toTensor(randomLabels([200, 6, 1], 33))] as const;
    const value = (p: tf.Tensor) => lovaszSoftmaxLoss(t, p, { activation: 'none', reduction: 'sample' });
    const gap = tf.sub(tf.div(tf.add(value(a), value(b)), 2), value(tf.div(tf.add(a, b), 2)));
    expect(Math.min(...numbers(gap))).toBeGreaterThan(-1e-6);
    expect(Math.max(...numbers(gap))).toBeGreaterThan(1e-3);
  });

  test("costs an absent class its largest probability, but nothing with classes 'present'", () => {
    const p = tf.tensor([0.1, 0.7, 0.4], [1, 3, 1]);
    const t = tf.zeros([1, 3, 1]);
    expectClose(lovaszSoftmaxLoss(t, p, { activation: 'none', classes: 'all' }), tf.scalar(0.7));
    expectClose(
      tf.grad((x) => lovaszSoftmaxLoss(t, x, { activation: 'none', classes: 'all' }))(p),
      tf.tensor([0, 1, 0], [1, 3, 1]),
    );
    expect(only(lovaszSoftmaxLoss(t, p, { activation: 'none', classes: 'present' }))).toBe(0);
    // The default is that of the region losses: absent classes are left out, except with one class or under sigmoid.
    expect(only(lovaszSoftmaxLoss(t, tf.zeros([1, 3, 1])))).toBeCloseTo(0.5, 6);
    const two = tf.tensor([1, 0, 1, 0], [1, 2, 2]);
    const z = tf.zeros([1, 2, 2]);
    expectClose(lovaszSoftmaxLoss(two, z), lovaszSoftmaxLoss(two, z, { classes: [0] }));
    expectClose(
      lovaszSoftmaxLoss(two, z, { activation: 'sigmoid' }),
      lovaszSoftmaxLoss(two, z, { activation: 'sigmoid', classes: 'all' }),
    );
  });

  test.each([0, 1e-30, 1e-7])('is finite at labels that are %d from 0 or 1', (by) => {
    const t = tf.tensor([by, 1 - by, by, 1 - by, by, 1 - by], [1, 6, 1]);
    const p = tf.tensor([0, 0, 1, 1, by, 1 - by], [1, 6, 1]);
    for (const sides of [p, tf.minimum(tf.add(p, 1e-6), 1 + 1e-7)]) {
      expectFinite(lovaszSoftmaxLoss(t, sides, { activation: 'none' }));
      expectFinite(tf.grad((x) => lovaszSoftmaxLoss(t, x, { activation: 'none' }))(sides));
      expectFinite(tf.grad((x) => lovaszSoftmaxLoss(x, sides, { activation: 'none' }))(t));
    }
  });

  test('is exact where labels are tiny', () => {
    const t = reference.ndarray([1e-7, 0, 0, 0], [1, 4, 1]);
    const p = reference.ndarray([0.25, 0.5, 0.75, 0.125], [1, 4, 1]);
    expectLikeOracle('lovaszSoftmaxLoss', t, p, { activation: 'none' });
  });

  test('is exact over 20,001 pixels, in value and gradient', () => {
    const count = 20_001;
    const random = randomNumbers(41);
    const p = Float32Array.from({ length: count }, () => random());
    const t = Uint8Array.from(p, (value) => (random() < 0.1 + 0.6 * value ? 1 : 0));
    const [value, slopes] = authorsAlgorithm(p, t);
    const [labels, predictions] = [tf.tensor(Float32Array.from(t), [1, count, 1]), tf.tensor(p, [1, count, 1])];
    const options = { activation: 'none' } as const;
    expectClose(lovaszSoftmaxLoss(labels, predictions, options), tf.scalar(value), 1e-6);
    const gradient = tf.grad((x) => lovaszSoftmaxLoss(labels, x, options))(predictions);
    const wrong = numbers(gradient).filter((g, i) => !(Math.abs(g - slopes[i]!) <= 1e-5 * Math.abs(slopes[i]!)));
    expect(wrong).toEqual([]);
  });

  test('trains logits to the labels, hard and soft ones', () => {
    for (const labels of [
      tf.tensor([1, 1, 0, 0, 1, 0], [1, 6, 1]),
      tf.tensor([0.93, 0.7, 0, 0.2, 1, 0.4], [1, 6, 1]),
    ]) {
      const z = tf.variable(tf.zeros([1, 6, 1]));
      for (const [rate, steps] of [
        [0.3, 30],
        [0.03, 60],
      ] as const) {
        const optimizer = tf.train.adam(rate);
        for (let i = 0; i < steps; i++) optimizer.minimize(() => lovaszSoftmaxLoss(labels, z));
        optimizer.dispose();
      }
      expect(Math.max(...numbers(tf.abs(tf.sub(tf.sigmoid(z), labels))))).toBeLessThan(0.05);
      z.dispose();
    }
  });
});

/** Algorithm 1 of the paper in float64, for one class and errors in float32: the value, and its gradient to p. */
function authorsAlgorithm(p: Float32Array, t: Uint8Array): [number, Float64Array] {
  const error = Array.from(p, (value, i) => Math.fround(Math.abs(t[i]! - value)));
  const order = error.map((_, i) => i).sort((i, j) => error[j]! - error[i]!);
  const total = t.reduce((sum, label) => sum + label, 0);
  const slopes = new Float64Array(p.length);
  let [intersection, union, before, value] = [total, total, 0, 0];
  for (const i of order) {
    if (t[i]) intersection--;
    else union++;
    const jaccard = 1 - intersection / union;
    value += (jaccard - before) * error[i]!;
    slopes[i] = (jaccard - before) * (t[i] ? -1 : 1);
    before = jaccard;
  }
  return [value, slopes];
}

describe('lovaszHingeLoss', () => {
  afterEach(() => checkValues('first'));

  test('is 0 where every logit is correct by a margin of 1, and at least the Jaccard distance elsewhere', () => {
    const t = tf.cast(toTensor(randomIndices([100, 6, 1], 51, 2)), 'float32');
    const right = tf.mul(tf.sub(tf.mul(t, 2), 1), toTensor(randomArray([100, 6, 1], 52, 1, 4)));
    expect(Math.max(...numbers(lovaszHingeLoss(t, right, { reduction: 'sample' })))).toBe(0);
    const z = toTensor(randomLogits([100, 6, 1], 53));
    const hard = tf.cast(tf.greater(z, 0), 'float32');
    const intersection = tf.sum(tf.mul(hard, t), [1, 2]);
    const union = tf.sum(tf.maximum(hard, t), [1, 2]);
    const distance = tf.sub(1, tf.divNoNan(intersection, union));
    const excess = tf.sub(lovaszHingeLoss(t, z, { reduction: 'sample' }), distance);
    expect(Math.min(...numbers(excess))).toBeGreaterThan(-1e-6);
  });

  test('treats the classes separately, so that they may overlap', () => {
    const t = tf.cast(toTensor(randomIndices([2, 6, 3], 61, 2)), 'float32');
    const z = toTensor(randomLogits([2, 6, 3], 62));
    const each = [0, 1, 2].map((c) =>
      lovaszHingeLoss(tf.slice(t, [0, 0, c], [2, 6, 1]), tf.slice(z, [0, 0, c], [2, 6, 1]), { reduction: 'none' }),
    );
    expectClose(lovaszHingeLoss(t, z, { reduction: 'none' }), tf.concat(each, 1));
  });

  test('refuses soft labels where values are checked, and rounds them where they are not', () => {
    const t = tf.tensor([0.3, 1, 0, 0.7], [1, 4, 1]);
    const z = toTensor(randomLogits([1, 4, 1], 63));
    checkValues('never');
    expectClose(lovaszHingeLoss(t, z), lovaszHingeLoss(tf.round(t), z));
    checkValues('always');
    expect(() => lovaszHingeLoss(t, z)).toThrow(
      /^lovaszHingeLoss: labels must be 0 or 1, got 0\.3 at sample 0, position \[0\]; lovaszSoftmaxLoss takes soft labels$/,
    );
    const overlapping = tf.tensor([1, 1, 0, 0], [1, 2, 2]);
    expectFinite(lovaszHingeLoss(overlapping, tf.zeros([1, 2, 2])));
    const masked = { mask: tf.tensor([[0, 1, 1, 0]]) };
    expectFinite(lovaszHingeLoss(t, z, masked));
    expectFinite(lovaszHingeLoss(tf.tensor([1, -1, 0, 0], [1, 4, 1]), z, { ignoreLabel: -1 }));
  });

  test('has no option activation', () => {
    const [t, z] = [tf.zeros([1, 4, 1]), tf.zeros([1, 4, 1])];
    expect(() => lovaszHingeLoss(t, z, { activation: 'sigmoid' } as object)).toThrow(
      "lovaszHingeLoss: unknown option 'activation'",
    );
  });

  test('trains logits to the labels', () => {
    const labels = tf.tensor([1, 1, 0, 0, 1, 0], [1, 6, 1]);
    const z = tf.variable(tf.zeros([1, 6, 1]));
    const optimizer = tf.train.adam(0.1);
    for (let i = 0; i < 60; i++) optimizer.minimize(() => lovaszHingeLoss(labels, z));
    expectClose(tf.cast(tf.greater(z, 0), 'float32'), labels);
    expect(only(lovaszHingeLoss(labels, z))).toBeLessThan(0.2);
    optimizer.dispose();
    z.dispose();
  });
});

test('the oracle of these tests detects a wrong order', () => {
  const t = randomLabels([1, 5, 1], 71);
  const p = randomLabels([1, 5, 1], 72);
  const value = lovasz.lovaszSoftmaxLoss(t, p, { activation: 'none' });
  // Errors are sorted by abs(p - t) instead of the fraction of the way to the other end.
  const places = Array.from(p.data, (x, i) => ({
    weight: 1,
    label: t.data[i]!,
    error: Math.abs(x - t.data[i]!),
    wrong: x > t.data[i]! ? 1 : 0,
  }));
  expect(Math.abs(lovasz.extension(places) - reference.item(value))).toBeGreaterThan(0.01);
  expectClose(toArray(tf.scalar(lovasz.extension([{ weight: 1, label: 0.3, error: 1, wrong: 0 }]))), tf.scalar(1));
});
