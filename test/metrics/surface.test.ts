import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import { averageSurfaceDistance, hausdorffDistance, normalizedSurfaceDice } from '../../src/metrics/index.js';
import { ndarray, sizeOf, sum } from '../reference/index.js';
import { surfaceDistances } from '../reference/distance.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomIndices, randomLabels, randomLogits } from '../support/random.js';

afterEach(() => checkValues('first'));

type Score = (labels: tf.Tensor, predictions: tf.Tensor, options?: object) => tf.Tensor;
interface Distances {
  fromLabelled: number[];
  fromPredicted: number[];
}

const mean = (values: number[]) => sum(values) / values.length;

function percentile(values: number[], q: number): number {
  const sorted = values.slice().sort((a, b) => a - b);
  const place = (q / 100) * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return below + (above - below) * (place - Math.floor(place));
}

const SCORES: [string, Score, object, (distances: Distances) => number][] = [
  [
    'hausdorffDistance',
    hausdorffDistance,
    {},
    ({ fromLabelled, fromPredicted }) => Math.max(...fromLabelled, ...fromPredicted),
  ],
  [
    'hausdorffDistance of the 95th percentile',
    hausdorffDistance,
    { percentile: 95 },
    ({ fromLabelled, fromPredicted }) => Math.max(percentile(fromLabelled, 95), percentile(fromPredicted, 95)),
  ],
  [
    'hausdorffDistance one way',
    hausdorffDistance,
    { symmetric: false },
    ({ fromPredicted }) => Math.max(...fromPredicted),
  ],
  [
    'averageSurfaceDistance',
    averageSurfaceDistance,
    {},
    ({ fromLabelled, fromPredicted }) => mean([...fromLabelled, ...fromPredicted]),
  ],
  [
    'averageSurfaceDistance one way',
    averageSurfaceDistance,
    { symmetric: false },
    ({ fromPredicted }) => mean(fromPredicted),
  ],
  [
    'normalizedSurfaceDice',
    normalizedSurfaceDice,
    { tolerance: 1.1 },
    ({ fromLabelled, fromPredicted }) => mean([...fromLabelled, ...fromPredicted].map((d) => Number(d <= 1.1))),
  ],
];

const SHAPES: [string, number[], number | number[]][] = [
  ['along a line', [2, 15], 0.4],
  ['in two dimensions', [2, 8, 9], 1],
  ['in two dimensions with spacing', [2, 8, 9], [2, 0.7]],
  ['in three dimensions with spacing', [2, 4, 5, 6], [3, 1, 0.8]],
];

/** Class indices in blocks, so that masks have an inside. */
function blocks(shape: number[], seed: number): tf.Tensor {
  const coarse = [shape[0]!, ...shape.slice(1).map((size) => Math.ceil(size / 3))];
  const each = toTensor(randomIndices(coarse, seed, 3));
  const fine = shape.slice(1).reduce((x, _, i) => {
    const repeated = tf.tile(tf.expandDims(x, i + 2), x.shape.map(() => 1).toSpliced(i + 2, 0, 3));
    return tf.reshape(repeated, x.shape.map((size, axis) => (axis === i + 1 ? 3 * size : size)));
  }, each); // prettier-ignore
  return tf.slice(fine, shape.map(() => 0), shape); // prettier-ignore
}

describe.each(SCORES)('%s', (_, score, options, expected) => {
  test.each(SHAPES)('equals its definition %s', (_text, shape, spacing) => {
    const [labels, predictions] = [blocks(shape, 1), blocks(shape, 2)];
    const [t, p] = [labels.dataSync(), predictions.dataSync()];
    const pixels = sizeOf(shape.slice(1));
    const values = Array.from({ length: shape[0]! }, (_each, n) =>
      [1, 2].map((c) => {
        const mask = (data: ArrayLike<number>) => Array.from({ length: pixels }, (__, i) => data[n * pixels + i] === c);
        return expected(surfaceDistances(mask(t), mask(p), shape.slice(1), spacing));
      }),
    );
    expect(values.flat().every(Number.isFinite)).toBe(true);
    expectClose(
      score(labels, predictions, { ...options, spacing, classCount: 3, classes: [1, 2] }),
      ndarray(values),
      1e-6,
    );
  });

  test('is the same for class indices, one-hot masks, and logits with the same maxima', () => {
    const shape = [2, 8, 9];
    const [labels, predictions] = [blocks(shape, 1), blocks(shape, 2)];
    const oneHot = (x: tf.Tensor) => tf.oneHot(tf.cast(x, 'int32'), 3);
    const floats = (x: tf.Tensor) => tf.cast(oneHot(x), 'float32');
    const whole = score(labels, predictions, { ...options, classCount: 3 });
    expect(whole.shape).toEqual([2, 3]);
    const noise = tf.mul(toTensor(randomLogits([2, 8, 9, 3], 4)), 0.1);
    const logits = tf.add(tf.mul(floats(predictions), 2), noise);
    for (const t of [labels, tf.cast(oneHot(labels), 'bool'), floats(labels), tf.expandDims(labels, 3)]) {
      expectClose(score(t, logits, options), whole, 0);
      expectClose(score(t, tf.softmax(logits), { ...options, activation: 'none' }), whole, 0);
      expectClose(score(t, tf.cast(oneHot(predictions), 'bool'), options), whole, 0);
    }
    for (const t of [labels, tf.cast(oneHot(labels), 'bool'), floats(labels)]) {
      expectClose(score(t, oneHot(predictions), options), whole, 0);
    }
    const withAxis = (x: tf.Tensor) => tf.expandDims(x, 3);
    for (const p of [predictions, withAxis(predictions)]) {
      expectClose(score(floats(labels), p, options), whole, 0);
      expectClose(score(oneHot(labels).cast('bool'), p, options), whole, 0);
      expectClose(score(withAxis(labels), p, { ...options, classCount: 3 }), whole, 0);
    }
    expectClose(score(withAxis(labels), oneHot(predictions), options), whole, 0);
    expectClose(score(oneHot(labels), withAxis(predictions), options), whole, 0);
    // A class axis of 1 says that these are indices, and the classes to score give a lower bound for their number.
    expectClose(score(withAxis(labels), withAxis(predictions), { ...options, classes: [0, 1, 2] }), whole, 0);
    const second = tf.slice(whole, [0, 1], [2, 1]);
    expectClose(score(withAxis(labels), withAxis(predictions), { ...options, classes: [1] }), second, 0);
    expectClose(score(labels, predictions, { ...options, classCount: 3, axis: 1 }), whole, 0);
    expectClose(score(labels, logits, { ...options, classes: [2, 0] }), tf.gather(whole, [2, 0], 1), 0);
    const toFront = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    expectClose(score(toFront(floats(labels)), toFront(logits), { ...options, axis: 1 }), whole, 0);
    expectClose(score(labels, toFront(logits), { ...options, axis: 1 }), whole, 0);
  });

  test('scores overlapping classes separately under sigmoid, with logits cut at 0 and labels at 0.5', () => {
    const labels = toTensor(randomLabels([2, 8, 9, 2], 1));
    const logits = toTensor(randomLogits([2, 8, 9, 2], 2));
    const masks = tf.greater(logits, 0);
    const truth = tf.greater(labels, 0.5);
    const whole = score(truth, masks, options);
    expectClose(score(labels, logits, { ...options, activation: 'sigmoid' }), whole, 0);
    const one = (x: tf.Tensor) => tf.slice(x, [0, 0, 0, 1], [2, 8, 9, 1]);
    expectClose(score(one(labels), one(logits), options), tf.slice(whole, [0, 1], [2, 1]), 0);
    expectClose(
      score(one(labels), one(tf.sigmoid(logits)), { ...options, activation: 'none' }),
      tf.slice(whole, [0, 1], [2, 1]),
      0,
    );
  });

  test('assigns each pixel of soft labels to its largest class, as for predictions', () => {
    const labels = tf.tensor([0.4, 0.35, 0.25, 0.2, 0.3, 0.5, 0, 0, 0, 0.1, 0.45, 0.45], [1, 4, 3]);
    const hard = tf.tensor([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], [1, 4, 3], 'bool');
    const logits = tf.tensor([0, 1, 2, 1, 0, 0, 2, 0, 1, 0, 3, 1], [1, 4, 3]);
    expectClose(score(labels, logits, options), score(hard, logits, options), 0);
  });

  test('treats pixels that do not count as outside both masks', () => {
    const shape = [2, 8, 9];
    const [labels, predictions] = [blocks(shape, 1), blocks(shape, 2)];
    const mask = tf.tile(tf.tensor([[[1, 1, 1, 1, 0.5, 1, 0, 0, 0]]]), [2, 8, 1]);
    const own = { ...options, classCount: 3, classes: [1, 2] };
    const counts = tf.greater(mask, 0);
    const cut = (x: tf.Tensor) => tf.where(counts, x, tf.zerosLike(x)); // class 0 is not scored
    const expectedScore = score(cut(labels), cut(predictions), own);
    expectClose(score(labels, predictions, { ...own, mask }), expectedScore, 0);
    const ignored = tf.where(counts, labels, tf.fill(shape, 9, 'int32'));
    expectClose(score(ignored, predictions, { ...own, ignoreLabel: 9 }), expectedScore, 0);
  });

  test('does not change when both masks are moved', () => {
    const [labels, predictions] = [blocks([1, 6, 6], 1), blocks([1, 6, 6], 2)];
    const own = { ...options, classCount: 3, classes: [1] };
    const moved = (x: tf.Tensor) => tf.pad(x, [[0, 0], [5, 1], [2, 9]]); // prettier-ignore
    const framed = (x: tf.Tensor) => tf.pad(x, [[0, 0], [1, 1], [1, 1]]); // prettier-ignore
    const value = score(framed(labels), framed(predictions), own);
    expectClose(score(moved(labels), moved(predictions), own), value, 1e-6);
  });

  test('leaves no tensor except its result, and none when it throws', () => {
    const [labels, logits] = [tf.ones([1, 4, 4], 'int32'), tf.ones([1, 4, 4, 2])];
    const mask = tf.ones([1, 4, 4]);
    const before = tf.memory().numTensors;
    score(labels, logits, { ...options, mask, ignoreLabel: 3 }).dispose();
    expect(() => score(labels, logits, { ...options, mask, spacing: 0 })).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('int32 tensors', () => {
  const square = (from: number, to: number) =>
    tf.tidy(() => {
      const inside = tf.pad(tf.ones([1, to - from, to - from]), [
        [0, 0],
        [from, 8 - to],
        [from, 8 - to],
      ]);
      return tf.cast(inside, 'int32');
    });

  test('with a class axis of 1 are index maps, whose surfaces have only edge pixels', () => {
    // Squares of 5 and 4 pixels that share two sides: of their 16 + 12 pixels, 13 are 1 away from the other, and one
    // √2.
    const [labels, predictions] = [square(1, 6), square(2, 6)];
    const expected = averageSurfaceDistance(labels, predictions, { classCount: 2, classes: [1] });
    expect(expected.dataSync()[0]).toBeCloseTo((13 + Math.SQRT2) / 28, 6);
    const withAxis = [tf.expandDims(labels, 3), tf.expandDims(predictions, 3)] as const;
    for (const options of [{}, { classes: [1] }, { classCount: 2, classes: [1] }]) {
      expectClose(averageSurfaceDistance(...withAxis, options), expected, 0);
    }
    expectClose(
      averageSurfaceDistance(withAxis[0], tf.cast(predictions, 'float32').expandDims(3), { activation: 'none' }),
      expected,
      0,
    );
  });

  test('of one class are inside at 1, as soft labels are above 0.5', () => {
    const labels = tf.tensor([0.3, 0.6, 0.9, 0.4], [1, 4, 1]);
    const predictions = tf.tensor([0, 1, 1, 0], [1, 4], 'int32');
    for (const p of [predictions, tf.expandDims(predictions, 2)]) {
      expect([...hausdorffDistance(labels, p).dataSync()]).toEqual([0]);
    }
  });

  test('may hold anything in pixels that do not count', () => {
    const [labels, predictions] = [square(1, 6), square(2, 6)];
    const mask = tf.ones([1, 8, 8]);
    const corner = tf.buffer([1, 8, 8]);
    corner.set(1, 0, 0, 0);
    const off = corner.toTensor();
    const broken = (x: tf.Tensor, by: number) => tf.add(x, tf.cast(tf.mul(off, by), 'int32'));
    const own = { classCount: 2, classes: [1] };
    const expected = averageSurfaceDistance(labels, predictions, own);
    const masked = { ...own, mask: tf.sub(mask, off) };
    expectClose(averageSurfaceDistance(broken(labels, 7), broken(predictions, -3), masked), expected, 0);
    expectClose(
      averageSurfaceDistance(broken(labels, 9), broken(predictions, 5), { ...own, ignoreLabel: 9 }),
      expected,
      0,
    );
  });
});

describe('surface scores of empty masks', () => {
  const some = () => tf.tensor([0, 1, 1, 0], [1, 4, 1], 'bool');
  const none = () => tf.zeros([1, 4, 1], 'bool');
  const value = (score: Score, labels: tf.Tensor, predictions: tf.Tensor, options = {}) =>
    score(labels, predictions, options).dataSync()[0];

  test.each([
    ['hausdorffDistance', hausdorffDistance, 0, Infinity],
    ['averageSurfaceDistance', averageSurfaceDistance, 0, Infinity],
    ['normalizedSurfaceDice', normalizedSurfaceDice, 1, 0],
  ] as [string, Score, number, number][])(
    '%s is NaN if both masks are empty, and worst if one is',
    (_, score, best, worst) => {
      expect(value(score, some(), some())).toBe(best);
      expect(value(score, none(), none())).toBe(NaN);
      expect(value(score, some(), none())).toBe(worst);
      expect(value(score, none(), some())).toBe(worst);
    },
  );

  test('are also worst in one direction and with a percentile', () => {
    for (const [score, options] of [
      [hausdorffDistance, { symmetric: false }],
      [hausdorffDistance, { percentile: 95 }],
      [averageSurfaceDistance, { symmetric: false }],
    ] as const) {
      expect(value(score, some(), none(), options)).toBe(Infinity);
      expect(value(score, none(), some(), options)).toBe(Infinity);
      expect(value(score, none(), none(), options)).toBe(NaN);
    }
  });

  test('are worst, not best, for a network that gives NaN', () => {
    const labels = tf.tensor([0, 1, 1, 0], [1, 4], 'int32');
    const broken = tf.fill([1, 4, 2], NaN);
    expect(() => hausdorffDistance(labels, broken)).toThrow('hausdorffDistance: predictions must not be NaN, got NaN');
    checkValues('never');
    expect([...hausdorffDistance(labels, broken).dataSync()]).toEqual([Infinity, Infinity]);
    expect([...normalizedSurfaceDice(some(), tf.fill([1, 4, 1], NaN)).dataSync()]).toEqual([0]);
  });

  test('count three steps of 0.1 as within a tolerance of 0.3', () => {
    const shifted = (by: number) =>
      tf
        .oneHot(tf.tensor([by], [1], 'int32'), 8)
        .reshape([1, 8, 1])
        .cast('bool');
    const score = normalizedSurfaceDice(shifted(1), shifted(4), { spacing: 0.1, tolerance: 0.3 });
    expect([...score.dataSync()]).toEqual([1]);
  });
});

describe.each([
  ['hausdorffDistance', hausdorffDistance],
  ['averageSurfaceDistance', averageSurfaceDistance],
  ['normalizedSurfaceDice', normalizedSurfaceDice],
] as [string, Score][])('%s refuses', (name, score) => {
  const indices = () => tf.zeros([1, 4, 4], 'int32');
  const logits = () => tf.zeros([1, 4, 4, 2]);
  const REFUSED: [string, () => [unknown, unknown, object?], string][] = [
    ['labels that are not a tensor', () => [1, logits()], 'labels must be a tf.Tensor, got 1'],
    ['predictions of strings', () => [indices(), tf.tensor(['a'])], 'predictions must be float32 or bool or int32'],
    ['no predictions at all', () => [tf.zeros([0, 4, 2]), tf.zeros([0, 4, 2])], 'predictions of shape [0,4,2] hold no'],
    [
      'int32 on both sides that may be indices or masks',
      () => [indices(), indices(), { classes: [1] }],
      'int32 labels [1,4,4] and predictions [1,4,4] may be class indices or one-hot masks: class indices need the ' +
        'option classCount, or cast one-hot labels to bool',
    ],
    [
      'int32 on both sides with as many pixels along an axis as there are classes',
      () => [tf.zeros([1, 4, 4, 2], 'int32'), tf.zeros([1, 4, 4, 2], 'int32'), { classCount: 2 }],
      'int32 labels [1,4,4,2] and predictions [1,4,4,2] may be class indices or one-hot masks: give class indices a ' +
        'class axis of 1, or cast one-hot labels to bool',
    ],
    [
      'a number of classes that is not that of the labels',
      () => [tf.zeros([1, 4, 4, 2]), indices(), { classCount: 3 }],
      'classCount is 3, but there are 2 classes in labels [1,4,4,2] and predictions [1,4,4]',
    ],
    [
      'classes that are none',
      () => [indices(), indices(), { classCount: 3, classes: [-1] }],
      "classes must be 'all' or a list of different class indices in 0..2, got [-1]",
    ],
    [
      'labels of no class',
      () => [tf.fill([1, 4, 4], 2, 'int32'), logits()],
      'class indices in labels must lie in 0..1, got 2; number the classes from 0',
    ],
    [
      'predictions of no class',
      () => [logits(), tf.fill([1, 4, 4], 2, 'int32')],
      'class indices in predictions must lie in 0..1, got 2',
    ],
    [
      'negative predictions, however many classes there are',
      () => [tf.zeros([1, 4, 4, 1], 'int32'), tf.fill([1, 4, 4, 1], -1, 'int32'), { classes: [1] }],
      'class indices in predictions must be >= 0, got -1',
    ],
    [
      'int32 masks of 255',
      () => [tf.fill([1, 4, 4, 2], 255, 'int32'), logits()],
      'int32 labels with a class axis are masks, which must lie in 0..1, got 255',
    ],
    [
      'a class that does not exist',
      () => [indices(), logits(), { classes: [2] }],
      "classes must be 'all' or a list of",
    ],
    [
      'indices of another shape',
      () => [logits(), tf.zeros([1, 4, 3], 'int32')],
      'labels [1,4,4,2] and predictions [1,4,3] must have the same pixels, [1,4,4] without a class axis',
    ],
    ['labels of another shape', () => [tf.zeros([1, 4, 5, 2]), logits()], 'labels [1,4,5,2] and predictions [1,4,4,2]'],
    [
      'no spatial axis',
      () => [tf.zeros([4, 2]), tf.zeros([4, 2])],
      'predictions must be [N, ...spatial, C], got shape [4,2]',
    ],
    [
      'an activation of masks',
      () => [indices(), tf.cast(logits(), 'bool'), { activation: 'softmax' }],
      'activation goes with float32 predictions, got a bool tensor of shape [1,4,4,2]',
    ],
    [
      'an unknown activation',
      () => [indices(), logits(), { activation: 'relu' }],
      "activation must be 'softmax', 'sigmoid', 'none', got \"relu\"",
    ],
    [
      'softmax over one class',
      () => [indices(), tf.zeros([1, 4, 4, 1]), { activation: 'softmax' }],
      "activation 'softmax' needs at least two classes",
    ],
    ['spacing 0', () => [indices(), logits(), { spacing: [1, 0] }], 'spacing[1] must be a number > 0, got 0'],
    ['a mask of the wrong shape', () => [indices(), logits(), { mask: tf.ones([4]) }], 'mask must have shape [1,4,4]'],
    ['an unknown option', () => [indices(), logits(), { reduction: 'mean' }], "unknown option 'reduction'"],
    [
      'its own options out of range',
      () => [
        indices(),
        logits(),
        {
          hausdorffDistance: { percentile: 101 },
          averageSurfaceDistance: { symmetric: 1 },
          normalizedSurfaceDice: { tolerance: -1 },
        }[name],
      ],
      {
        hausdorffDistance: 'percentile must be a number in [0, 100], got 101',
        averageSurfaceDistance: 'symmetric must be true or false, got 1',
        normalizedSurfaceDice: 'tolerance must be a number >= 0, got -1',
      }[name]!,
    ],
  ];
  test.each(REFUSED)('%s', (_, args, message) => {
    expect(() => (score as (...all: unknown[]) => tf.Tensor)(...args())).toThrow(`${name}: ${message}`);
  });
});
