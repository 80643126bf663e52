import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues, clDiceLoss, diceLoss, softSkeleton } from '../../src/index.js';
import { centralDifference, map, ndarray, sum } from '../reference/index.js';
import * as reference from '../reference/distance.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomArray, randomLabels, randomLogits } from '../support/random.js';
import { expectLikeShapeOracle } from '../support/shapes.js';

const number = (x: tf.Tensor) => x.dataSync()[0]!;
/** An image of one class, [1,H,W,1], from rows of digits. */
const image = (...rows: string[]) =>
  tf.tensor([...rows.join('')].map(Number), [1, rows.length, rows[0]!.length, 1], 'float32');
const rowsOf = (x: tf.Tensor) => {
  const width = x.shape[2]!;
  const digits = [...x.dataSync()].map(String).join('');
  return Array.from({ length: x.shape[1]! }, (_, y) => digits.slice(y * width, (y + 1) * width));
};

describe('softSkeleton', () => {
  test.each([
    ['along a line', [2, 9, 2]],
    ['in two dimensions', [2, 6, 7, 2]],
    ['in three dimensions', [1, 4, 5, 4, 2]],
    ['in two dimensions of one pixel, and of two', [2, 1, 2, 1]],
  ])('has the value and the gradient of its definition %s', (_, shape) => {
    const values = randomArray(shape, 3, 0, 1);
    const factors = randomArray(shape, 4, -1, 1);
    for (const iterations of [0, 1, 3]) {
      expectClose(softSkeleton(toTensor(values), { iterations }), reference.softSkeleton(values, { iterations }));
    }
    const own = (x: tf.Tensor) => tf.sum(tf.mul(softSkeleton(x, { iterations: 2 }), toTensor(factors)));
    const some = [...values.data.keys()].filter((i) => i % 3 === 0);
    const expected = centralDifference(
      (x) => sum(reference.softSkeleton(x, { iterations: 2 }).data.map((value, i) => value * factors.data[i]!)),
      values,
      1e-7,
      some,
    );
    const gradient = tf.grad(own)(toTensor(values)).dataSync();
    const picked = (data: ArrayLike<number>) => ndarray(some.map((i) => data[i]!));
    expectClose(picked(gradient), picked(expected.data), 1e-4);
  });

  test('keeps the middle of a bar, and leaves thin lines unchanged', () => {
    const bar = image('0000000', '0111110', '0111110', '0111110', '0000000');
    expect(rowsOf(softSkeleton(bar))).toEqual(['0000000', '0000000', '0011100', '0000000', '0000000']);
    const line = image('00000', '11111', '00000');
    expectClose(softSkeleton(line), line, 0);
  });

  test('finds the skeleton of a thick shape after enough erosions', () => {
    const square = tf.pad(tf.ones([1, 7, 7, 1]), [[0, 0], [1, 1], [1, 1], [0, 0]]); // prettier-ignore
    expect(number(tf.sum(softSkeleton(square, { iterations: 2 })))).toBe(0);
    expect(number(tf.sum(softSkeleton(square, { iterations: 3 })))).toBe(1);
  });

  test('treats each class separately, on any axis, and volumes of one slice as images', () => {
    const values = toTensor(randomArray([2, 5, 6, 3], 3, 0, 1));
    const toFront = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    const skeleton = softSkeleton(values);
    for (const axis of [1, -3]) expectClose(softSkeleton(toFront(values), { axis }), toFront(skeleton), 0);
    expectClose(
      softSkeleton(tf.slice(values, [0, 0, 0, 1], [2, 5, 6, 1])),
      tf.slice(skeleton, [0, 0, 0, 1], [2, 5, 6, 1]),
      0,
    );
    expectClose(tf.squeeze(softSkeleton(tf.expandDims(values, 1)), [1]), skeleton, 0);
  });

  test('leaves no tensor except its result', () => {
    const values = tf.ones([1, 4, 4, 1]);
    const before = tf.memory().numTensors;
    softSkeleton(values).dispose();
    tf.grad((x) => softSkeleton(x))(values).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  const REFUSED: [string, () => [unknown, object?], string][] = [
    ['values that are not a tensor', () => [1], 'values must be a tf.Tensor, got 1'],
    ['ints', () => [tf.zeros([1, 2, 1], 'int32')], 'values must be float32, got int32'],
    [
      'values without a spatial axis',
      () => [tf.zeros([2, 3])],
      'values must be [N, ...spatial, C] with at least one spatial axis and one value, got [2,3]',
    ],
    [
      'broken iterations',
      () => [tf.zeros([1, 2, 1]), { iterations: -1 }],
      'iterations must be an integer >= 0, got -1',
    ],
    ['the batch axis', () => [tf.zeros([1, 2, 1]), { axis: 0 }], 'axis must be an integer in 1..2 or -2..-1'],
    ['an unknown option', () => [tf.zeros([1, 2, 1]), { iter: 3 }], "unknown option 'iter'; it takes iterations, axis"],
  ];
  test.each(REFUSED)('refuses %s', (_, args, message) => {
    const call = () => (softSkeleton as (...all: unknown[]) => tf.Tensor)(...args());
    expect(call).toThrow(`softSkeleton: ${message}`);
  });
});

afterEach(() => checkValues('first'));

describe('clDiceLoss', () => {
  const lacking = map(randomLabels([2, 3, 4, 3], 1), (t, i) => (i % 3 === 1 && i < 36 ? 0 : t));
  test.each(['skip', 'penalize', 'smooth'] as const)(
    'treats a class that a sample lacks as absent %s says',
    (absent) => {
      // The oracle accepts these labels under softmax, but value checks do not.
      checkValues('never');
      const logits = randomLogits([2, 3, 4, 3], 2);
      expectLikeShapeOracle('clDiceLoss', lacking, logits, { absent }, false);
      expectLikeShapeOracle('clDiceLoss', lacking, logits, { absent, activation: 'sigmoid', reduction: 'none' }, false);
    },
  );

  test('is 0 at p = t on hard labels', () => {
    const t = image('00000', '11111', '00100', '01110');
    for (const smooth of [0, 1]) expect(number(clDiceLoss(t, t, { activation: 'none', smooth }))).toBeCloseTo(0, 6);
  });

  test('is not lowest at p = t on soft labels, as the docs say', () => {
    const t = image('0000000', '0000000', '1111111', '0000000', '0000000').mul(0.3);
    const loss = (p: number) => number(clDiceLoss(t, tf.mul(t, p / 0.3), { activation: 'none' }));
    expect(loss(1)).toBeLessThan(loss(0.3));
  });

  test('penalizes a cut through a vessel far more than as many wrong pixels at its side, unlike Dice', () => {
    const vessel = image('000000000', '111111111', '111111111', '111111111', '000000000');
    const cut = image('000000000', '111101111', '111101111', '111101111', '000000000');
    const thinned = image('000000000', '111000111', '111111111', '111111111', '000000000');
    const options = { activation: 'none' } as const;
    expectClose(diceLoss(vessel, cut, options), diceLoss(vessel, thinned, options));
    const [ofCut, ofThinned] = [cut, thinned].map((p) => number(clDiceLoss(vessel, p, options)));
    expect(ofCut!).toBeGreaterThan(0.05);
    expect(ofThinned!).toBeLessThan(0.2 * ofCut!);
  });

  test('without smoothing is 1 where prediction and label share no centreline', () => {
    const [t, p] = [image('00000', '11111', '00000', '00000'), image('00000', '00000', '00000', '11111')];
    const { value, grad } = tf.valueAndGrad((x) => clDiceLoss(t, x, { activation: 'none', smooth: 0 }))(p);
    expect(number(value)).toBe(1);
    expect([...grad.dataSync()].every(Number.isFinite)).toBe(true);
  });
});
