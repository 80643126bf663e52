import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as softseg from '../../src/index.js';
import { namedLoss, type LossName, type NamedLoss } from '../../src/training/index.js';
import { LOSSES, nameOfLoss } from '../../src/training/lossRegistry.js';
import { isNamedLoss } from '../../src/training/boundLoss.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomDistribution, randomLabels, randomLogits } from '../support/random.js';

const NAMES = Object.keys(LOSSES) as LossName[];

describe('the registry', () => {
  test('holds every loss of the package that takes labels and predictions', () => {
    const exported = Object.keys(softseg).filter((name) => /^(?!define|named|deepSupervision).*Loss$/.test(name));
    expect(NAMES).toEqual(exported.sort());
    for (const name of NAMES) {
      expect(LOSSES[name]).toBe((softseg as Record<string, unknown>)[name]);
      expect(nameOfLoss(LOSSES[name])).toBe(name);
    }
  });

  test.each(NAMES)('knows the options of %s', (name) => {
    tf.tidy(() => {
      // The loss itself lists its options in its error.
      const [labels, logits] = [tf.ones([1, 4, 4, 1]), tf.ones([1, 4, 4, 1])];
      const listed = messageOf(() => LOSSES[name](labels, logits, { nothing: 1 })).split('it takes ')[1]!;
      expect(Object.keys(LOSSES[name].description.options).sort()).toEqual(listed.split(', ').sort());
    });
  });
});

describe('namedLoss', () => {
  test.each(NAMES)('%s computes the loss with its current options', (name) => {
    tf.tidy(() => {
      const classes = name === 'lovaszHingeLoss' ? 1 : 3;
      const shape = [2, 4, 4, classes];
      const labels =
        classes === 1 ? tf.round(toTensor(randomLabels(shape, 1))) : toTensor(randomDistribution(shape, 1, 3));
      const logits = toTensor(randomLogits(shape, 2));
      const loss = namedLoss(name, { classWeights: Array.from({ length: classes }, (_, c) => 1 + c) }) as NamedLoss;
      const expected = (options: object) => LOSSES[name](labels, logits, options);
      expectClose(loss(labels, logits), expected(loss.options), 0);
      loss.set({ sharpness: 3 });
      expect(loss.options).toMatchObject({ sharpness: 3 });
      expectClose(loss(labels, logits), expected(loss.options), 0);
      // A call can add options of its own.
      const mask = tf.concat([tf.ones([1, 4, 4]), tf.zeros([1, 4, 4])]);
      expectClose(loss(labels, logits, { mask }), expected({ ...loss.options, mask }), 0);
      expect(Object.keys(loss.options)).toEqual(['classWeights', 'sharpness']);
      loss.set({ sharpness: undefined, classWeights: undefined } as object);
      expect(loss.options).toEqual({});
    });
  });

  test('has a name, and options that survive JSON', () => {
    const loss = namedLoss('comboLoss', { weights: { dice: 1, focal: 0.5 }, ignoreLabel: -1, smooth: 0 });
    expect(loss.name).toBe('comboLoss');
    expect(loss.lossName).toBe('comboLoss');
    expect(JSON.parse(JSON.stringify(loss.options))).toEqual(loss.options);
    expect(isNamedLoss(loss)).toBe(true);
    expect([softseg.iouLoss, {}, null, 'iouLoss'].some(isNamedLoss)).toBe(false);
  });

  test("takes a user's loss", () => {
    tf.tidy(() => {
      const own = (t: tf.Tensor, z: tf.Tensor, { power }: { power: number }) =>
        tf.mean(tf.pow(tf.abs(tf.sub(t, z)), power));
      const loss = namedLoss('absoluteLoss', { power: 2 }, own);
      const [t, z] = [tf.tensor1d([0, 1]), tf.tensor1d([0.5, 0])];
      expectClose(loss(t, z), tf.scalar(0.625), 1e-6);
      loss.set({ power: 1 });
      expectClose(loss(t, z), tf.scalar(0.75), 1e-6);
      expect(loss.lossName).toBe('absoluteLoss');
    });
  });

  test('keeps its options if a change is invalid', () => {
    const loss = namedLoss('diceLoss', { smooth: 1 });
    expect(() => loss.set({ gamma: 2 } as object)).toThrow("namedLoss of diceLoss: unknown option 'gamma'; it takes ");
    expect(() => loss.set({ activation: (z: tf.Tensor) => z })).toThrow(
      "diceLoss's activation is a function, which cannot be saved; use it inside a loss of your own",
    );
    expect(loss.options).toEqual({ smooth: 1 });
  });

  const anyNamed = namedLoss as (...args: unknown[]) => unknown;
  test.each<[string, () => unknown, string]>([
    ['no name', () => anyNamed(''), 'namedLoss: name must be a string, got ""'],
    [
      'an unknown loss',
      () => anyNamed('dice'),
      'namedLoss: there is no loss "dice"; softseg has binaryCrossEntropyLoss, ',
    ],
    [
      'the name of ours for another',
      () => anyNamed('diceLoss', {}, () => 0),
      "namedLoss: 'diceLoss' is a loss of softseg; give your own another name",
    ],
    ['no function', () => anyNamed('mine', {}, 3), 'namedLoss: loss must be a function, got 3'],
    [
      'an unknown option',
      () => anyNamed('iouLoss', { aggregat: 'batch' }),
      "namedLoss of iouLoss: unknown option 'aggregat'; it takes ",
    ],
    ['no options', () => anyNamed('iouLoss', 3), 'namedLoss of iouLoss: options must be an object, got 3'],
    [
      'NaN',
      () => anyNamed('iouLoss', { smooth: NaN }),
      "namedLoss: iouLoss's smooth must be a plain value that can be saved, got NaN",
    ],
    [
      'a function',
      () => anyNamed('iouLoss', { activation: tf.softmax }),
      "namedLoss: iouLoss's activation is a function, which cannot be saved; use it inside a loss of your own: " +
        'namedLoss(name, options, loss)',
    ],
    [
      'a typed array',
      () => anyNamed('iouLoss', { classWeights: new Float32Array(2) }),
      "iouLoss's classWeights must be a plain value that can be saved",
    ],
    [
      'an object that is not plain',
      () => anyNamed('comboLoss', { weights: { iou: new Date(0) } }),
      "comboLoss's weights.iou must be a plain value",
    ],
  ])('refuses %s', (_, f, message) => expect(f).toThrow(message));
});

function messageOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}
