/** The confusion matrix, its scores, its text and its picture. */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { checkValues } from '../../src/index.js';
import { ConfusionMatrix, MeanDice, MeanIou, MeanPrecision, MeanRecall } from '../../src/metrics/index.js';
import { confusionMatrix } from '../reference/metrics.js';
import { toTensor } from '../support/compare.js';
import { randomIndices } from '../support/random.js';
import * as support from './support.js';
import { images, update } from './support.js';

const few = () => {
  const matrix = new ConfusionMatrix({ classNames: ['sky', 'oak & <elm>', 'road'] });
  matrix.update(tf.tensor([[0, 0, 0, 1, 1, 1]], [1, 6], 'int32'), tf.tensor([[0, 0, 1, 1, 1, 1]], [1, 6], 'int32'));
  return matrix;
};

afterEach(() => checkValues('first'));

describe('ConfusionMatrix', () => {
  test.each([
    ['class indices', support.someIndices(), support.logits(), {}],
    ['class indices, one of them ignored', support.someIndices(), support.logits(), { ignoreLabel: 1 }],
    ['soft labels', support.soft(), support.logits(), {}],
    ['one class', support.binaryLabels(), support.binaryLogits(), {}],
    ['one class with a threshold', support.binaryLabels(), support.binaryLogits(), { threshold: 0.8 }],
    ['one class of probabilities', support.binaryLabels(), toProbabilities(), { activation: 'none', threshold: 0.25 }],
  ] as const)('is that of the oracle on %s, with and without weights', (_, labels, predictions, options) => {
    for (const mask of [undefined, support.mask()]) {
      const matrix = new ConfusionMatrix(options);
      const batches = images(labels, predictions, mask);
      for (const batch of batches) update(matrix, batch);
      const expected = confusionMatrix(batches, options as object).flat();
      matrix
        .counts()
        .flat()
        .forEach((count, i) => expect(count).toBeCloseTo(expected[i]!, 5));
    }
  });

  test('is the same for class indices as for one-hot predictions', () => {
    const [t, best] = [toTensor(support.someIndices()), toTensor(randomIndices([3, 4, 5], 31, 4))];
    const expected = new ConfusionMatrix().update(t, tf.oneHot(tf.cast(best, 'int32'), 4).toFloat()).counts();
    expect(new ConfusionMatrix({ classCount: 4 }).update(t, best).counts()).toEqual(expected);
    expect(new ConfusionMatrix({ classNames: ['a', 'b', 'c', 'd'] }).update(t, best).counts()).toEqual(expected);
    const front = tf.transpose(toTensor(support.soft()), [0, 3, 1, 2]);
    const soft = new ConfusionMatrix({ classCount: 4 }).update(toTensor(support.soft()), best).counts();
    expect(new ConfusionMatrix({ classCount: 4, axis: 1 }).update(front, best).counts()).toEqual(soft);
  });

  test('reads int32 predictions as indices or one-hot masks, according to the shapes', () => {
    const [t, best] = [toTensor(support.someIndices()), toTensor(randomIndices([3, 4, 5], 31, 4))];
    const expected = new ConfusionMatrix({ classCount: 4 }).update(t, best).counts();
    const oneHot = (x: tf.Tensor) => tf.oneHot(x, 4);
    const front = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
    for (const options of [{}, { classCount: 4 }]) {
      const of = (labels: tf.Tensor, predictions: tf.Tensor, axis = -1) =>
        new ConfusionMatrix({ ...options, axis }).update(labels, predictions).counts();
      // One of the tensors has the classes along an axis, or a dtype that always has them.
      for (const labels of [oneHot(t).cast('bool'), oneHot(t).toFloat()]) {
        for (const predictions of [best, oneHot(best), tf.expandDims(best, 3)]) {
          expect(of(labels, predictions)).toEqual(expected);
        }
        for (const predictions of [best, front(oneHot(best)), tf.expandDims(best, 1)]) {
          expect(of(front(labels), predictions, 1)).toEqual(expected);
        }
      }
      for (const labels of [t, tf.expandDims(t, 3)]) expect(of(labels, oneHot(best))).toEqual(expected);
      for (const predictions of [best, tf.expandDims(best, 3)]) expect(of(oneHot(t), predictions)).toEqual(expected);
    }
    const withAxis = new ConfusionMatrix({ classCount: 4 }).update(tf.expandDims(t, 3), tf.expandDims(best, 3));
    expect(withAxis.counts()).toEqual(expected);
  });

  test('does not guess whether two int32 tensors of one shape are indices or masks', () => {
    const hot = tf.oneHot(tf.tensor1d([0, 2, 1, 1], 'int32'), 3).reshape([1, 4, 3]);
    for (const classCount of [undefined, 3]) {
      const matrix = new ConfusionMatrix(classCount ? { classCount } : {});
      const cure = classCount
        ? 'give class indices a class axis of 1'
        : 'class indices need the option classCount or classNames';
      expect(() => matrix.update(hot, hot)).toThrow(
        'ConfusionMatrix.update: int32 labels [1,4,3] and predictions [1,4,3] may be class indices or one-hot masks: ' +
          `${cure}, or cast one-hot labels to bool`,
      );
      expect(matrix.update(hot.cast('bool'), hot).result().accuracy).toBe(1);
    }
  });

  test.each<[string, number[], number[], object, string]>([
    ['labels', [0, 1, 3], [0, 1, 2], {}, 'class indices in labels must lie in 0..2, got 3; number the classes from 0'],
    ['labels', [0, -1, 2], [0, 1, 2], { ignoreLabel: 255 }, 'class indices in labels must lie in 0..2, got -1; number'],
    ['predictions', [0, 1, 2], [0, 1, 3], {}, 'class indices in predictions must lie in 0..2, got 3'],
    ['predictions', [0, 1, 2], [-1, 1, 2], {}, 'class indices in predictions must lie in 0..2, got -1'],
  ])('refuses %s without a class, and does not change', async (_, labels, predictions, options, message) => {
    const made = () => new ConfusionMatrix({ classCount: 3, ...options });
    const [t, p] = [labels, predictions].map((values) => tf.tensor([values], [1, 3], 'int32')) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const right = tf.tensor([[0, 1, 2]], [1, 3, 1], 'int32');
    const matrix = made().update(right, right);
    const before = JSON.stringify(matrix);
    const tensors = tf.memory().numTensors;
    expect(() => matrix.update(t.expandDims(2), p.expandDims(2))).toThrow(`ConfusionMatrix.update: ${message}`);
    await expect(matrix.updateAsync(t.expandDims(2), p.expandDims(2))).rejects.toThrow(`Async: ${message}`);
    expect(tf.memory().numTensors).toBe(tensors + 4);
    expect(JSON.stringify(matrix)).toBe(before);
    // Pixels that do not count may hold anything.
    const mask = tf.tensor([[0, 1, 2].map((c, i) => (labels[i] === c && predictions[i] === c ? 1 : 0))]);
    expect(matrix.update(t.expandDims(2), p.expandDims(2), { mask }).result().accuracy).toBe(1);
  });

  test.each<[string, number[], object, string]>([
    ['no value', [0, 3, 1], {}, 'labels of shape [0,3,1] hold no value'],
    ['an unknown activation', [1, 3, 1], { activation: 'relu' }, 'activation must be '],
    ['an invalid sharpness', [1, 3, 1], { sharpness: -1 }, 'sharpness must be '],
  ])('also refuses %s with class indices', (_, shape, options, message) => {
    const indices = tf.zeros(shape, 'int32');
    const matrix = new ConfusionMatrix({ classCount: 3, ...options });
    expect(() => matrix.update(indices, indices)).toThrow(`ConfusionMatrix.update: ${message}`);
  });

  test('refuses int32 masks with no class, several, or a value above 1 at a pixel', () => {
    const labels = tf.tensor([[0, 1]], [1, 2], 'int32');
    const update = (values: number[]) => () =>
      new ConfusionMatrix().update(labels, tf.tensor(values, [1, 2, 2], 'int32'));
    const one =
      'int32 predictions with a class axis are one-hot masks: the number of classes of a pixel must be 1, got';
    expect(update([1, 0, 0, 0])).toThrow(`${one} 0`);
    expect(update([1, 0, 1, 1])).toThrow(`${one} 2`);
    expect(update([1, 0, 2, -1])).toThrow(
      'int32 predictions with a class axis are masks, which must lie in 0..1, got -1',
    );
    const wrong = () =>
      new ConfusionMatrix().update(tf.tensor([0, 255, 0, 0], [1, 2, 2], 'int32'), tf.zeros([1, 2, 2]));
    expect(wrong).toThrow('labels must lie in [0, 1], got 255 at sample 0, position [0]');
    checkValues('never');
    expect(wrong).toThrow('int32 labels with a class axis are masks, which must lie in 0..1, got 255');
  });

  test('counts a large image to the last pixel', () => {
    const size = 500 * 333;
    const matrix = new ConfusionMatrix();
    const t = tf.tensor(
      Int32Array.from({ length: size }, (_, i) => i % 3),
      [1, size],
      'int32',
    );
    matrix.update(t, tf.oneHot(tf.fill([1, size], 1, 'int32'), 3).toFloat());
    expect(matrix.counts()).toEqual([[0, size / 3, 0], [0, size / 3, 0], [0, size / 3, 0]]); // prettier-ignore
  });

  test('has the same scores as the accumulators', () => {
    const [t, z] = [toTensor(support.someIndices()), toTensor(support.logits())];
    const matrix = new ConfusionMatrix().update(t, z);
    const { meanIou, meanDice, meanPrecision, meanRecall } = matrix.result();
    const perClass = matrix.perClass();
    for (const [mean, values, make] of [
      [meanIou, perClass.iou, MeanIou],
      [meanDice, perClass.dice, MeanDice],
      [meanPrecision, perClass.precision, MeanPrecision],
      [meanRecall, perClass.recall, MeanRecall],
    ] as const) {
      const scores = new make({ hard: true }).update(t, z);
      expect(mean).toBeCloseTo(scores.result(), 12);
      scores.perClass().forEach((value, c) => expect(values[c]).toBeCloseTo(value, 12));
    }
  });

  test('has accuracy and kappa, and NaN for an absent class', () => {
    const matrix = few();
    expect(matrix.counts()).toEqual([[2, 1, 0], [0, 3, 0], [0, 0, 0]]); // prettier-ignore
    const { accuracy, kappa } = matrix.result();
    expect(accuracy).toBeCloseTo(5 / 6, 12);
    const chance = (3 / 6) * (2 / 6) + (3 / 6) * (4 / 6);
    expect(kappa).toBeCloseTo((5 / 6 - chance) / (1 - chance), 12);
    expect(matrix.perClass().iou).toEqual([2 / 3, 3 / 4, NaN]);
    expect(matrix.result().meanIou).toBeCloseTo((2 / 3 + 3 / 4) / 2, 12);
  });
});

describe('the text of a confusion matrix', () => {
  test('is an aligned table of percentages', () => {
    expect(few().toText()).toBe(
      [
        'labelled as \\ predicted as     sky  oak & <elm>   road  pixels',
        'sky                         66.7 %       33.3 %  0.0 %       3',
        'oak & <elm>                  0.0 %      100.0 %  0.0 %       3',
        'road                             -            -      -       0',
      ].join('\n'),
    );
  });

  test('numbers classes without names, and shows fractions of soft labels', () => {
    const matrix = new ConfusionMatrix().update(tf.tensor([[[0.5, 0.5]]]), tf.tensor([[[1, 0]]]));
    expect(matrix.toText().split('\n')[1]).toBe('0                           100.0 %  0.0 %     0.5');
  });

  test('exists before any update', () => {
    expect(new ConfusionMatrix({ classNames: ['a', 'b'] }).toText().split('\n').length).toBe(3);
    expect(new ConfusionMatrix().toText()).toBe('labelled as \\ predicted as  pixels');
  });
});

describe('the picture of a confusion matrix', () => {
  test('has a cell for each pair, with the percentage and the number of pixels', () => {
    const svg = few().toSVG();
    expect(svg.match(/<rect /g)!.length).toBe(9);
    expect(svg).toContain('<title>sky as oak &amp; &lt;elm&gt;: 1, 33.3 %</title>');
    expect(svg.match(/>oak &amp; &lt;elm&gt;<\/text>/g)!.length).toBe(2);
    expect(svg).toContain('>predicted</text>');
    expect(svg).toContain('>labelled</text>');
  });

  test('is well-formed, and has no NaN or Infinity', () => {
    for (const matrix of [few(), new ConfusionMatrix(), new ConfusionMatrix({ classCount: 2 })]) {
      const svg = matrix.toSVG();
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      const open: string[] = [];
      for (const [, close, name, rest] of svg.matchAll(/<(\/?)([a-z]+)([^<>]*)>/g)) {
        if (close) expect(open.pop()).toBe(name);
        else if (!rest!.endsWith('/')) open.push(name!);
      }
      expect(open).toEqual([]);
    }
  });

  test('is legible on white and on black, and in every cell', () => {
    const [t, z] = [toTensor(support.soft()), toTensor(support.logits())];
    const svg = new ConfusionMatrix().update(t, tf.mul(z, 3)).toSVG() + few().toSVG();
    const ink = /<svg[^>]* fill="(#\w+)"/.exec(svg)![1]!;
    for (const page of [0, 1]) expect(contrast(luminance(hex(ink)), page)).toBeGreaterThan(4.5);
    const cells = [...svg.matchAll(/<g fill="(#\w+)".*?fill="rgb\(([\d,]+)\)"/g)];
    expect(cells.length).toBe(25);
    for (const [, text, cell] of cells) {
      expect(contrast(luminance(hex(text!)), luminance(cell!.split(',').map(Number)))).toBeGreaterThan(4);
    }
  });
});

describe('invalid input for a confusion matrix is refused with a message', () => {
  const [t, z] = [() => toTensor(support.soft()), () => toTensor(support.logits())];
  const best = () => toTensor(support.someIndices());

  test.each<[string, () => unknown, string]>([
    [
      'classes that may overlap',
      () => new ConfusionMatrix({ activation: 'sigmoid' }).update(t(), z()),
      "ConfusionMatrix.update: classes that may overlap (activation 'sigmoid', 4 classes) have no confusion matrix",
    ],
    [
      'a threshold for several classes',
      () => new ConfusionMatrix({ threshold: 0.4 }).update(t(), z()),
      'ConfusionMatrix.update: threshold goes with one class, got 0.4 for 4 classes',
    ],
    [
      'a threshold of 1',
      () => new ConfusionMatrix({ threshold: 1 }),
      'ConfusionMatrix: threshold must be a number in (0, 1), got 1',
    ],
    [
      'names of other classes',
      () => new ConfusionMatrix({ classNames: ['a', 'b'] }).update(t(), z()),
      'ConfusionMatrix.update: expects 2 classes, got 4 in labels [3,4,5,4] and predictions [3,4,5,4]',
    ],
    [
      'class indices of unknown classes',
      () => new ConfusionMatrix().update(best(), best()),
      'ConfusionMatrix.update: int32 labels [3,4,5] and predictions [3,4,5] may be class indices or one-hot ' +
        'masks: class ' +
        'indices need the option classCount or classNames, or cast one-hot labels to bool',
    ],
    [
      'class indices of other pixels, by the shapes that were passed',
      () => new ConfusionMatrix({ classCount: 9 }).update(best(), tf.zeros([3, 4, 6], 'int32')),
      'ConfusionMatrix.update: labels [3,4,5] and predictions [3,4,6] must have the same pixels, [3,4,6] without ' +
        'a class',
    ],
    [
      'a mask of other pixels, by the shapes that were passed',
      () => new ConfusionMatrix({ classCount: 9 }).update(best(), best(), { mask: tf.zeros([3, 4]) }),
      'ConfusionMatrix.update: mask must have shape [3,4,5] ([N, ...spatial]) for predictions [3,4,5], got [3,4]',
    ],
    [
      'an axis that class indices cannot get',
      () => new ConfusionMatrix({ classCount: 9, axis: 4 }).update(best(), best()),
      'ConfusionMatrix.update: axis must be an integer in 1..3 or -3..-1, where class indices [3,4,5] get a ' +
        'class axis, got 4',
    ],
    [
      'names that are none',
      () => new ConfusionMatrix({ classNames: ['a', 1] as never }),
      'ConfusionMatrix: classNames must be a list of at least two names, got ["a",1]',
    ],
    [
      'more names than classes',
      () => new ConfusionMatrix({ classNames: ['a', 'b'], classCount: 3 }),
      'ConfusionMatrix: classNames must be 3 names, as many as classCount, got ["a","b"]',
    ],
    [
      'an invalid number of classes',
      () => new ConfusionMatrix({ classCount: 1 }),
      'ConfusionMatrix: classCount must be an integer >= 2, got 1',
    ],
    [
      'an option that it does not know',
      () => new ConfusionMatrix({ hard: true } as never),
      "ConfusionMatrix: unknown option 'hard'",
    ],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});

function toProbabilities() {
  const logits = support.binaryLogits();
  return { ...logits, data: logits.data.map((z) => Math.fround(1 / (1 + Math.exp(-z)))) };
}

const hex = (colour: string) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

function luminance(colour: readonly number[]): number {
  const [r, g, b] = colour.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
