/** Properties of all losses on the shape of a class: boundary, Hausdorff and clDice. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, diceLoss } from '../../src/index.js';
import { centralDifference, indices, map, ndarray, sum, type NdArray } from '../reference/index.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import type { Loss, Options } from '../support/oracle.js';
import { randomArray, randomDistribution, randomIndices, randomLabels, randomLogits } from '../support/random.js';
import {
  expectLikeShapeOracle,
  SHAPE_LOSSES,
  shapeLoss,
  shapeReference,
  type ShapeLossName,
} from '../support/shapes.js';

const SMALL = [2, 3, 4, 3];
const smallMask = map(randomArray([2, 3, 4], 4, 0, 1), (w) => (w < 0.2 ? 0 : w));
const sharpened = (z: NdArray) => map(z, (value) => 1 / (1 + Math.exp(-value)));

const OPTIONS: [string, Options][] = [
  ['defaults', {}],
  ['sigmoid', { activation: 'sigmoid' }],
  ['sharpness', { sharpness: 2.5 }],
  ['a mask of weights', { mask: smallMask }],
  ['class weights', { classWeights: [1, 2, 0.5], reduction: 'sample' }],
  ['all classes', { classes: 'all', reduction: 'sum' }],
  ['one class', { classes: [2], reduction: 'none' }],
  [
    'every option at once',
    { mask: smallMask, classWeights: [2, 1, 3], classes: [0, 2], sharpness: 0.5, reduction: 'none' },
  ],
];

const OWN: [ShapeLossName, string, Options][] = [
  ['boundaryLoss', 'spacing', { spacing: [2, 0.5] }],
  ['hausdorffLoss', 'spacing and a power', { spacing: [2, 0.5], alpha: 1 }],
  ['hausdorffLoss', 'a root of the distances', { spacing: 0.3, alpha: 0.5 }],
  ['clDiceLoss', 'no iteration', { iterations: 0 }],
  ['clDiceLoss', 'one iteration and no smoothing', { iterations: 1, smooth: 0 }],
];

describe.each(SHAPE_LOSSES)('%s', (name) => {
  test.each(OPTIONS)('has the value and the gradients of its definition with %s', (_, options) => {
    const labels = options.activation === 'sigmoid' ? randomLabels(SMALL, 1) : randomDistribution(SMALL, 1, 3);
    expectLikeShapeOracle(name, labels, randomLogits(SMALL, 2), options);
  });

  test.each(OWN.filter(([loss]) => loss === name))('(%s) with %s', (_, _text, options) => {
    expectLikeShapeOracle(name, randomDistribution(SMALL, 1, 3), randomLogits(SMALL, 2), options);
  });

  test('has that value and gradients for probabilities, and for a function as activation', () => {
    const labels = randomDistribution(SMALL, 1, 3);
    const logits = randomLogits(SMALL, 2);
    expectLikeShapeOracle(name, labels, sharpened(logits), { activation: 'none' });
    const [t, z] = [toTensor(labels), toTensor(logits)];
    const own = { activation: tf.sigmoid, ...skipping(name), mask: toTensor(smallMask) };
    const expected = { activation: sharpened, ...skipping(name), mask: smallMask };
    expectClose(shapeLoss(name)(t, z, own), shapeReference(name)(labels, logits, expected));
  });

  test('has that value and gradients for class indices, some of them ignored', () => {
    const classes = indices(
      [...randomIndices([2, 3, 4], 3, 4).data].map((c) => (c === 3 ? 255 : c)),
      [2, 3, 4],
    );
    expectLikeShapeOracle(name, classes, randomLogits(SMALL, 2), { ignoreLabel: 255 });
  });

  test('has that value and gradients for one class, in one and in three dimensions', () => {
    for (const shape of [
      [2, 3, 4, 1],
      [2, 9, 1],
      [1, 2, 3, 4, 1],
    ]) {
      expectLikeShapeOracle(name, randomLabels(shape, 5), randomLogits(shape, 6), {});
    }
  });

  test('has second derivatives to logits, and mixed ones to logits and labels', () => {
    const shape = [1, 3, 4, 2];
    const [labels, logits] = [randomDistribution(shape, 11, 3), randomLogits(shape, 12)];
    const direction = randomArray(shape, 13, -1, 1);
    const step = 1e-4;
    const total = (t: NdArray, z: NdArray) => sum(shapeReference(name)(t, z).data);
    const moved = (z: NdArray, by: number) => map(z, (value, i) => value + by * direction.data[i]!);
    const slope = (t: NdArray, z: NdArray) => (total(t, moved(z, step)) - total(t, moved(z, -step))) / (2 * step);
    const loss = shapeLoss(name);
    const ownSlope = (t: tf.Tensor, z: tf.Tensor) => tf.sum(tf.mul(tf.grad((x) => loss(t, x))(z), toTensor(direction)));
    const [t, z] = [toTensor(labels), toTensor(logits)];
    const expected = centralDifference((x) => slope(labels, x), logits, step);
    expect(Math.max(...expected.data.map(Math.abs))).toBeGreaterThan(1e-3);
    expectClose(tf.grad((x) => ownSlope(t, x))(z), expected, 3e-4);
    // The boundary loss depends on labels only through their border.
    if (name === 'boundaryLoss') return;
    expectClose(
      tf.grad((x) => ownSlope(x, z))(t),
      centralDifference((x) => slope(x, logits), labels, step),
      3e-4,
    );
  });
});

function skipping(name: ShapeLossName): object {
  return name === 'clDiceLoss' ? { absent: 'skip' } : {};
}

/** The loss with fewer iterations, which take most of the time. */
function quickLoss(name: ShapeLossName): Loss {
  const own = name === 'clDiceLoss' ? { iterations: 1 } : {};
  return (labels, predictions, options) => shapeLoss(name)(labels, predictions, { ...own, ...options });
}

const SHAPE = [2, 5, 6, 3];
const logits = () => toTensor(randomLogits(SHAPE, 1));
const softLabels = () => toTensor(randomDistribution(SHAPE, 2, 3));

function expectSame(a: Loss, b: Loss, labels: tf.Tensor, z: tf.Tensor): void {
  expectClose(a(labels, z), b(labels, z));
  expectClose(tf.grad((x) => a(labels, x))(z), tf.grad((x) => b(labels, x))(z));
}

const crop = (x: tf.Tensor) => tf.slice(x, [0, 0, 0], [2, 5, 4]);
const leftMask = () => tf.tile(tf.tensor([[[1, 1, 1, 1, 0, 0]]]), [2, 5, 1]);

describe.each(SHAPE_LOSSES)('%s', (name) => {
  const loss = quickLoss(name);

  test('of a masked batch equals the loss of the cropped batch: no distance leads to masked pixels', () => {
    const mask = leftMask();
    expectSame(
      (t, z) => loss(t, z, { mask }),
      (t, z) => loss(crop(t), crop(z)),
      softLabels(),
      logits(),
    );
  });

  test('ignores NaN and Inf in pixels that do not count', () => {
    const mask = leftMask();
    const broken = (x: tf.Tensor, value: number) =>
      tf.where(tf.cast(tf.expandDims(mask, 3), 'bool'), x, tf.fill(SHAPE, value));
    for (const value of [NaN, Infinity]) {
      expectSame(
        (t, z) => loss(broken(t, value), broken(z, value), { mask }),
        (t, z) => loss(t, z, { mask }),
        softLabels(),
        logits(),
      );
    }
  });

  test('ignores sentinel labels and a class index like a mask', () => {
    const mask = leftMask();
    const counts = tf.cast(mask, 'bool');
    const labels = tf.where(tf.expandDims(counts, 3), softLabels(), tf.fill(SHAPE, -1));
    expectSame(
      (t, z) => loss(t, z, { ignoreLabel: -1 }),
      (_, z) => loss(softLabels(), z, { mask }),
      labels,
      logits(),
    );
    const classes = toTensor(randomIndices([2, 5, 6], 4, 3));
    const marked = tf.where(counts, classes, tf.fill([2, 5, 6], 255, 'int32'));
    expectSame(
      (_, z) => loss(marked, z, { ignoreLabel: 255 }),
      (_, z) => loss(classes, z, { mask }),
      classes,
      logits(),
    );
  });

  test('of a batch with one image masked equals the loss of the others', () => {
    const mask = tf.concat([tf.zeros([1, 5, 6]), tf.ones([1, 5, 6])]);
    const second = (x: tf.Tensor) => tf.slice(x, [1], [1]);
    expectSame(
      (t, z) => loss(t, z, { mask }),
      (t, z) => loss(second(t), second(z)),
      softLabels(),
      logits(),
    );
  });

  test('over another class axis equals the loss of the transposed tensors', () => {
    const toFront = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    const toMiddle = (x: tf.Tensor) => tf.transpose(x, [0, 1, 3, 2]);
    for (const axis of [1, -3]) {
      expectSame((t, z) => loss(toFront(t), toFront(z), { axis }), loss, softLabels(), logits());
    }
    expectSame((t, z) => loss(toMiddle(t), toMiddle(z), { axis: 2 }), loss, softLabels(), logits());
  });

  test('of transposed images equals the loss of the images', () => {
    const turn = (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3]);
    expectSame((t, z) => loss(turn(t), turn(z)), loss, softLabels(), logits());
  });

  test('of volumes of one slice equals the loss of the slices', () => {
    const [volume, slice] = [
      [2, 1, 5, 6, 3],
      [2, 5, 6, 3],
    ];
    expectSame(
      (t, z) => loss(tf.reshape(t, volume!), tf.reshape(z, volume!)),
      (t, z) => loss(tf.reshape(t, slice!), tf.reshape(z, slice!)),
      softLabels(),
      logits(),
    );
  });

  test('of class indices equals the loss of their one-hot labels', () => {
    const classes = toTensor(randomIndices([2, 5, 6], 4, 3));
    const oneHot = tf.cast(tf.oneHot(classes, 3), 'float32');
    expectSame(
      (_, z) => loss(classes, z),
      (_, z) => loss(oneHot, z),
      oneHot,
      logits(),
    );
  });

  test('excludes the background under softmax, and takes every class under sigmoid', () => {
    expectSame(loss, (t, z) => loss(t, z, { classes: [1, 2] }), softLabels(), logits());
    expectSame(
      (t, z) => loss(t, z, { activation: 'sigmoid' }),
      (t, z) => loss(t, z, { activation: 'sigmoid', classes: 'all' }),
      softLabels(),
      logits(),
    );
  });

  test('with sharpness a equals the loss of logits times a', () => {
    expectSame(
      (t, z) => loss(t, z, { sharpness: 3 }),
      (t, z) => loss(t, tf.mul(z, 3)),
      softLabels(),
      logits(),
    );
  });

  test("'sum' is the sum of 'none', and 'sample' of one image is its 'mean'", () => {
    expectSame(
      (t, z) => tf.sum(loss(t, z, { reduction: 'none' })),
      (t, z) => loss(t, z, { reduction: 'sum' }),
      softLabels(),
      logits(),
    );
    const first = (x: tf.Tensor) => tf.slice(x, [0], [1]);
    expectSame(
      (t, z) => tf.sum(loss(first(t), first(z), { reduction: 'sample' })),
      (t, z) => loss(first(t), first(z)),
      softLabels(),
      logits(),
    );
  });

  test('has no gradient to masked pixels', () => {
    const gradient = tf.grad((z) => loss(softLabels(), z, { mask: leftMask() }))(logits());
    expectClose(tf.slice(gradient, [0, 0, 4], [2, 5, 2]), tf.zeros([2, 5, 2, 3]));
  });
});

const onlyAt = (place: number) => Array.from({ length: 40 }, (_, i) => Number(i === place));

const EXTREMES: [string, () => tf.Tensor][] = [
  ['no pixel labelled', () => tf.oneHot(tf.zeros([2, 4, 5], 'int32'), 3)],
  ['every pixel labelled', () => tf.oneHot(tf.ones([2, 4, 5], 'int32'), 3)],
  ['one pixel labelled', () => tf.oneHot(tf.tensor(onlyAt(7), [2, 4, 5], 'int32'), 3)],
  ['labels of one half', () => tf.fill([2, 4, 5, 3], 0.5)],
];

describe.each(SHAPE_LOSSES)('%s', (name) => {
  const loss = quickLoss(name);

  test.each(EXTREMES)('has a finite value and gradient with %s', (_, labels) => {
    checkValues('never'); // Some of these labels are not distributions over the classes.
    const t = tf.cast(labels(), 'float32');
    for (const size of [0, 1, 1e4, -1e4]) {
      const z = tf.mul(toTensor(randomLogits([2, 4, 5, 3], 8)), size);
      for (const activation of ['softmax', 'sigmoid']) {
        const { value, grad } = tf.valueAndGrad((x) => tf.sum(loss(t, x, { activation })))(z);
        expectFinite(value);
        expectFinite(grad);
      }
    }
  });

  test('and its gradient are 0 where no pixel counts', () => {
    const mask = tf.zeros([2, 5, 6]);
    for (const reduction of ['mean', 'sum', 'none', 'sample']) {
      const { value, grad } = tf.valueAndGrad((z) => tf.sum(loss(softLabels(), z, { mask, reduction })))(logits());
      expect(value.dataSync()[0]).toBe(0);
      expectClose(grad, tf.zeros(SHAPE));
    }
  });

  test('accepts a logit of -Infinity', () => {
    const z = tf.tensor([0, -Infinity, 1, 2, -Infinity, 3], [1, 3, 2]);
    const { value, grad } = tf.valueAndGrad((x) => loss(tf.tensor([[1, 0, 1]], [1, 3], 'int32'), x))(z);
    expectFinite(value);
    expectFinite(grad);
  });

  test('leaves no tensor except its result, and none when it throws', () => {
    const [t, z, mask] = [softLabels(), logits(), leftMask()];
    const classes = tf.zeros([2, 5, 6], 'int32');
    const left = (run: () => tf.Tensor | tf.Tensor[] | void) => {
      const before = tf.memory().numTensors;
      const result = run();
      if (result) tf.dispose(result);
      return tf.memory().numTensors - before;
    };
    expect(left(() => loss(t, z))).toBe(0);
    expect(left(() => loss(t, z, { mask, ignoreLabel: -1, reduction: 'none', activation: tf.sigmoid }))).toBe(0);
    expect(left(() => loss(classes, z, { ignoreLabel: 1 }))).toBe(0);
    expect(left(() => tf.grad((x) => loss(t, x, { mask }))(z))).toBe(0);
    expect(left(() => tf.grads((x, y) => loss(x, y))([t, z]))).toBe(0);
    const wrong = [{ mask: t }, { mask, classWeights: [1] }, { mask, reduction: 'all' }, { mask, classes: [9] }];
    for (const options of wrong) expect(left(() => expect(() => loss(t, z, options)).toThrow())).toBe(0);
    expect(left(() => expect(() => loss(tf.fill([2, 3], 1 / 3), tf.ones([2, 3]))).toThrow('spatial axis'))).toBe(2);
  });
});

const MISTAKES: [ShapeLossName, object, string][] = [
  ...SHAPE_LOSSES.flatMap((name): [ShapeLossName, object, string][] => [
    [name, { overlap: 'metric' }, "unknown option 'overlap'; it takes activation,"],
    [name, { reduction: 'all' }, "reduction must be 'mean', 'sum', 'none', 'sample', got \"all\""],
    [name, { classes: [3] }, "classes must be 'all' or a list of different class indices in 0..2, got [3]"],
    [name, { classWeights: [1] }, 'classWeights must be a list of 3 numbers, one per class, got [1]'],
    [name, { mask: 1 }, 'mask must be a tf.Tensor, got 1'],
    [name, { sharpness: 0 }, 'sharpness must be a number > 0, got 0'],
  ]),
  ['boundaryLoss', { spacing: 0 }, 'spacing must be a number > 0, got 0'],
  ['boundaryLoss', { spacing: [1] }, 'spacing must be a number or a list of 2 numbers, one for each of'],
  ['boundaryLoss', { distances: 1 }, 'distances must be a tf.Tensor, got 1'],
  ['hausdorffLoss', { spacing: [1, 1, 1] }, 'spacing must be a number or a list of 2 numbers, one for each of'],
  ['hausdorffLoss', { alpha: 0 }, 'alpha must be a number > 0, got 0'],
  ['hausdorffLoss', { distances: 1 }, "unknown option 'distances'"],
  ['clDiceLoss', { iterations: 1.5 }, 'iterations must be an integer >= 0, got 1.5'],
  ['clDiceLoss', { smooth: -1 }, 'smooth must be a number >= 0, got -1'],
  ['clDiceLoss', { absent: 'ignore' }, "absent must be 'skip', 'penalize', 'smooth', got \"ignore\""],
  ['clDiceLoss', { spacing: 1 }, "unknown option 'spacing'"],
];

test.each(MISTAKES)('%s refuses %j', (name, options, message) => {
  expect(() => shapeLoss(name)(softLabels(), logits(), options)).toThrow(`${name}: ${message}`);
});

test.each(SHAPE_LOSSES)('%s needs a spatial axis', (name) => {
  expect(() => shapeLoss(name)(tf.fill([2, 3], 1 / 3), tf.zeros([2, 3]))).toThrow(
    `${name}: needs at least one spatial axis`,
  );
});

test.each(SHAPE_LOSSES)('%s added to Dice trains logits to a hard mask', (name) => {
  // A region loss is added as in the papers: these losses say little about an empty prediction, clDice nothing about
  // thickness.
  const bars = [
    [0, 0, 0, 0, 0, 0],
    [0, 1, 1, 1, 1, 0],
    [0, 0, 0, 0, 0, 0],
    [0, 1, 0, 0, 1, 1],
    [0, 1, 0, 0, 1, 1],
    [0, 0, 0, 0, 0, 0],
  ];
  const labels = toTensor(ndarray(bars, [1, 6, 6, 1]));
  const z = tf.variable(toTensor(randomLogits([1, 6, 6, 1], 3)));
  const optimizer = tf.train.adam(0.3);
  const before = shapeLoss(name)(labels, z).dataSync()[0]!;
  for (let step = 0; step < 25; step++) {
    optimizer.minimize(() => tf.add(shapeLoss(name)(labels, z), diceLoss(labels, z)));
  }
  expect([...tf.cast(tf.greater(z, 0), 'float32').dataSync()]).toEqual(bars.flat());
  expect(shapeLoss(name)(labels, z).dataSync()[0]).toBeLessThan(before);
  optimizer.dispose();
  z.dispose();
});
