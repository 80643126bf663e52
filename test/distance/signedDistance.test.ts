import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { signedDistance } from '../../src/index.js';
import * as reference from '../reference/distance.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomDistribution, randomIndices, randomLabels } from '../support/random.js';

const SHAPE = [2, 5, 6, 3];

describe('signedDistance', () => {
  test.each([
    ['two dimensions', SHAPE, 1],
    ['spacing', SHAPE, [0.5, 3]],
    ['three dimensions', [2, 3, 4, 5, 2], [2, 1, 0.5]],
    ['an axis of a single pixel, whose spacing does not matter', [2, 1, 5, 2], [0.01, 2]],
  ] as const)('is positive outside and 0 or negative inside, as defined: %s', (_, shape, spacing) => {
    const labels = randomLabels(shape, 3);
    const own = { spacing: typeof spacing === 'number' ? spacing : [...spacing] };
    expectClose(signedDistance(toTensor(labels), own), reference.signedDistance(labels, own), 1e-6);
  });

  test('is 0 for a class that no pixel has, or that all have', () => {
    const labels = tf.stack([tf.zeros([1, 3, 4]), tf.ones([1, 3, 4])], 3);
    expect([...signedDistance(labels).dataSync()].every((value) => value === 0)).toBe(true);
  });

  test('is the same for class indices as for their one-hot labels of any dtype', () => {
    const indices = toTensor(randomIndices([2, 5, 6], 4, 3));
    const oneHot = tf.oneHot(indices, 3);
    const maps = signedDistance(indices, { classes: 3, spacing: [1, 2] });
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      expectClose(signedDistance(tf.cast(oneHot, dtype), { spacing: [1, 2] }), maps, 0);
    }
    const toFront = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    expectClose(signedDistance(indices, { classes: 3, axis: 1, spacing: [1, 2] }), toFront(maps), 0);
    const withAxis = (axis: number) => tf.expandDims(indices, axis);
    expectClose(signedDistance(withAxis(3), { classes: 3, spacing: [1, 2] }), maps, 0);
    expectClose(signedDistance(withAxis(1), { classes: 3, axis: 1, spacing: [1, 2] }), toFront(maps), 0);
  });

  test('reads int32 labels of one class as a mask', () => {
    const mask = toTensor(randomIndices([2, 5, 6, 1], 4, 2));
    expectClose(signedDistance(mask), signedDistance(tf.cast(mask, 'float32')), 0);
  });

  test('over another class axis equals that of the transposed labels', () => {
    const labels = toTensor(randomLabels(SHAPE, 3));
    for (const axis of [1, -3]) {
      const first = signedDistance(tf.transpose(labels, [0, 3, 1, 2]), { axis });
      expectClose(first, tf.transpose(signedDistance(labels), [0, 3, 1, 2]), 0);
    }
  });

  test('scales with the spacing', () => {
    const labels = toTensor(randomLabels(SHAPE, 3));
    expectClose(
      signedDistance(labels, { spacing: [3, 1.5] }),
      tf.mul(signedDistance(labels, { spacing: [1, 0.5] }), 3),
    );
  });

  test('inside a mask equals that of the cropped labels, and is 0 outside', () => {
    const labels = toTensor(randomDistribution(SHAPE, 3, 3));
    const left = (x: tf.Tensor) => tf.slice(x, [0, 0, 0], [2, 5, 4]);
    const mask = tf.tile(tf.tensor([[[1, 1, 1, 0.5, 0, 0]]]), [2, 5, 1]);
    const expected = tf.pad(signedDistance(left(labels)), [
      [0, 0],
      [0, 0],
      [0, 2],
      [0, 0],
    ]);
    expectClose(signedDistance(labels, { mask }), expected, 0);
    const marked = tf.where(tf.greater(tf.expandDims(mask, 3), 0), labels, tf.fill(SHAPE, -1));
    expectClose(signedDistance(marked, { ignoreLabel: -1 }), expected, 0);
    const indices = toTensor(randomIndices([2, 5, 6], 4, 3));
    const ignored = tf.where(tf.greater(mask, 0), indices, tf.fill([2, 5, 6], 255, 'int32'));
    expectClose(
      signedDistance(ignored, { classes: 3, ignoreLabel: 255 }),
      signedDistance(indices, { classes: 3, mask }),
      0,
    );
  });

  test('leaves no tensor except its result', () => {
    const labels = tf.ones([2, 3, 4, 2]);
    const mask = tf.ones([2, 3, 4]);
    const before = tf.memory().numTensors;
    signedDistance(labels, { mask, ignoreLabel: -1 }).dispose();
    expect(() => signedDistance(labels, { mask, spacing: [1] })).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each([[[0, 3, 2]], [[1, 0, 2]], [[1, 3, 0]]])(
    'refuses labels of shape %p, wherever the classes are',
    (shape) => {
      for (const axis of [-1, 1]) {
        expect(() => signedDistance(tf.zeros(shape), { axis })).toThrow('signedDistance: labels of shape [');
      }
    },
  );

  const labels = () => tf.zeros([1, 3, 4, 2]);
  const REFUSED: [string, () => [unknown, object?], string][] = [
    ['labels that are not a tensor', () => [1], 'labels must be a tf.Tensor, got 1'],
    [
      'labels without a spatial axis',
      () => [tf.zeros([2, 3])],
      'labels must be [N, ...spatial, C], with at least one spatial axis, got shape [2,3]',
    ],
    [
      'indices without a spatial axis',
      () => [tf.zeros([2], 'int32'), { classes: 2 }],
      'labels must be [N, ...spatial] with option classes, with at least one spatial axis, got shape [2]',
    ],
    [
      'indices that are floats',
      () => [tf.zeros([2, 3]), { classes: 2 }],
      'class indices must be int32, got a float32 tensor of shape [2,3]',
    ],
    [
      'int32 that may be indices or masks',
      () => [tf.zeros([1, 3, 4, 2], 'int32'), { classes: 2 }],
      'int32 labels [1,3,4,2] may be class indices or one-hot masks of 2 classes: leave out classes for masks, ' +
        'or give ' +
        'class indices a class axis of 1',
    ],
    [
      'an axis that is not a number',
      () => [tf.zeros([1, 3], 'int32'), { classes: 2, axis: Symbol('x') }],
      'axis must be an integer in 1..2 or -2..-1, where class indices [1,3] get a class axis, got Symbol(x)',
    ],
    [
      'indices of no class',
      () => [tf.fill([1, 3], 2, 'int32'), { classes: 2 }],
      'class indices in labels must lie in 0..1, got 2; number the classes from 0',
    ],
    [
      'indices for masks',
      () => [tf.fill([1, 3, 4], 2, 'int32')],
      'int32 labels with a class axis are masks, which must lie in 0..1, got 2',
    ],
    [
      'an axis that class indices cannot get',
      () => [tf.zeros([1, 3, 4], 'int32'), { classes: 2, axis: 0 }],
      'axis must be an integer in 1..3 or -3..-1, where class indices [1,3,4] get a class axis, got 0',
    ],
    [
      'a mask of other pixels than the indices',
      () => [tf.zeros([1, 3, 4], 'int32'), { classes: 2, mask: tf.ones([1, 3]) }],
      'mask must have shape [1,3,4] ([N, ...spatial]) for labels [1,3,4], got [1,3]',
    ],
    ['no classes', () => [tf.zeros([2, 3], 'int32'), { classes: 0 }], 'classes must be an integer >= 1, got 0'],
    ['spacing of the wrong length', () => [labels(), { spacing: [1] }], 'spacing must be a number or a list of 2'],
    [
      'the batch axis',
      () => [labels(), { axis: 0 }],
      'axis must be an integer in 1..3 or -3..-1 for shape [1,3,4,2], got 0',
    ],
    ['a mask of the wrong shape', () => [labels(), { mask: tf.ones([1, 3]) }], 'mask must have shape [1,3,4]'],
    ['a sentinel that is a label', () => [labels(), { ignoreLabel: 1 }], 'ignoreLabel must lie outside [0, 1]'],
    ['an unknown option', () => [labels(), { sharpness: 2 }], "unknown option 'sharpness'"],
  ];
  test.each(REFUSED)('refuses %s', (_, args, message) => {
    const call = () => (signedDistance as (...all: unknown[]) => tf.Tensor)(...args());
    expect(call).toThrow(`signedDistance: ${message}`);
  });
});
