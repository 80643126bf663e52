/** Masks that pass through fit as channels after those of the labels. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { crossEntropyLoss, deepSupervisionLoss, diceLoss } from '../../src/index.js';
import { asMetric, iouScore } from '../../src/metrics/index.js';
import { acceptAnyTargets, namedLoss, packMask, withMask } from '../../src/training/index.js';
import { LOSSES, type LossName } from '../../src/training/lossRegistry.js';
import { isNamedLoss, type NamedLoss } from '../../src/training/boundLoss.js';
import { wrapLoss } from '../../src/training/saving/savedFunctions.js';
import { splitLossName } from '../../src/training/targets/packedLoss.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomArray, randomDistribution, randomIndices } from '../support/random.js';
import {
  batchesOf,
  expectNumber,
  expectWeights,
  FEATURES,
  numberOf,
  oneOutput,
  stepByHand,
  training,
  type Loss,
} from './tinyModels.js';

const N = 3;
const SPATIAL = [3, 4];
const full = { batchSize: N, epochs: 1, shuffle: false, verbose: 0 } as const;

const images = () => toTensor(randomArray([N, ...SPATIAL, FEATURES], 1, -1, 1));
const logits = (classes: number) => toTensor(randomArray([N, ...SPATIAL, classes], 2, -2, 2));
const soft = (classes: number) =>
  toTensor(
    classes === 1 ? randomArray([N, ...SPATIAL, 1], 3, 0, 1) : randomDistribution([N, ...SPATIAL, classes], 3, 3),
  );
const indices = (classes: number) => toTensor(randomIndices([N, ...SPATIAL], 4, Math.max(classes, 2)));
/** A mask with about a fifth of the pixels at 0. */
const floatMask = () => tf.relu(toTensor(randomArray([N, ...SPATIAL], 5, -0.5, 2)));
const wholeMask = () => toTensor(randomIndices([N, ...SPATIAL], 6, 2));
const toFirst = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);

/** Compares value and gradient with respect to the predictions. */
function expectSame(wrapped: Loss, packed: tf.Tensor, expected: (z: tf.Tensor) => tf.Tensor, z: tf.Tensor): void {
  expectClose(wrapped(packed, z), expected(z), 1e-6);
  const gradient = (f: (z: tf.Tensor) => tf.Tensor) => tf.grad((x) => tf.sum(f(x)))(z);
  expectClose(
    gradient((x) => wrapped(packed, x)),
    gradient(expected),
    1e-6,
  );
}

test.each(Object.keys(LOSSES) as LossName[])('withMask(%s) equals the loss with that mask', (name) => {
  const [labels, mask] = [name === 'lovaszHingeLoss' ? tf.round(soft(3)) : soft(3), floatMask()];
  const loss = LOSSES[name];
  const unmasked = numberOf(loss(labels, logits(3)));
  expect(numberOf(loss(labels, logits(3), { mask }))).not.toBeCloseTo(unmasked, 4);
  expectSame(withMask(loss), packMask(labels, mask), (z) => loss(labels, z, { mask }), logits(3));
});

describe.each([1, 2, 3])('labels of %d classes come out of packing unchanged', (classes) => {
  const kinds: [string, () => tf.Tensor][] = [
    ['soft labels', () => soft(classes)],
    ['one-hot labels in bool', () => tf.cast(tf.greater(soft(classes), 0.5), 'bool')],
    ['one-hot labels in int32', () => tf.cast(tf.greater(soft(classes), 0.5), 'int32')],
    ['class indices', () => indices(classes)],
    ['class indices with a class axis', () => tf.expandDims(indices(classes), 3)],
  ];
  const masks: [string, () => tf.Tensor][] = [
    ['a float mask', floatMask],
    ['an int32 mask', wholeMask],
    ['a bool mask', () => tf.cast(wholeMask(), 'bool')],
  ];
  const loss: Loss = (t, z, options) => crossEntropyLoss(t, z, { activation: 'sigmoid', ...options });

  test.each(kinds.flatMap(([labels, t]) => masks.map(([mask, w]) => ({ labels, mask, t, w }))))(
    '$labels with $mask, channels last and first',
    ({ t, w }) => {
      const [labels, mask, z] = [t(), w(), logits(classes)];
      expectSame(withMask(loss), packMask(labels, mask), (x) => loss(labels, x, { mask }), z);
      const first = labels.rank === 4 ? toFirst(labels) : labels;
      const packed = packMask(first, mask, { axis: 1 });
      const expected = (x: tf.Tensor) => loss(first, x, { mask, axis: 1 });
      expectSame(withMask(loss, { axis: 1 }), packed, expected, toFirst(z));
    },
  );
});

test('the class axis comes from the namedLoss or the options', () => {
  const [labels, mask, z] = [toFirst(soft(3)), floatMask(), toFirst(logits(3))];
  const packed = packMask(labels, mask, { axis: 1 });
  const expected = numberOf(diceLoss(labels, z, { mask, axis: 1 }));
  for (const value of [
    withMask(namedLoss('diceLoss', { axis: 1 }))(packed, z),
    withMask(namedLoss('diceLoss', {}))(packed, z, { axis: 1 }),
    withMask(diceLoss, { axis: -3 })(packMask(labels, mask, { axis: -3 }), z),
  ]) {
    expectNumber(numberOf(value), expected);
  }
});

test('labels without spatial axes, and volumes, can be packed', () => {
  for (const spatial of [[], [2], [2, 2, 3]]) {
    const labels = toTensor(randomDistribution([N, ...spatial, 3], 3, spatial.length + 1));
    const z = toTensor(randomArray([N, ...spatial, 3], 2, -2, 2));
    const mask = toTensor(randomArray([N, ...spatial], 5, 0, 2));
    expectSame(withMask(diceLoss), packMask(labels, mask), (x) => diceLoss(labels, x, { mask }), z);
  }
});

test('masked values never reach the loss: NaN behind the mask', () => {
  const mask = wholeMask();
  const nowhere = (x: tf.Tensor) => tf.where(tf.cast(tf.expandDims(mask, 3), 'bool'), x, tf.fill(x.shape, NaN));
  const packed = packMask(nowhere(soft(3)), mask);
  expectNumber(numberOf(withMask(diceLoss)(packed, logits(3))), numberOf(diceLoss(soft(3), logits(3), { mask })));
});

test('the loss is 0 if no pixel counts', () => {
  expect(numberOf(withMask(diceLoss)(packMask(soft(3), tf.zeros([N, ...SPATIAL])), logits(3)))).toBe(0);
});

describe('in fit', () => {
  test('value, step and metrics equal those with the mask', async () => {
    const [x, labels, mask] = [images(), soft(3), floatMask()];
    const packed = packMask(labels, mask);
    const loss = withMask(namedLoss('diceLoss', { smooth: 1 }));
    const metrics = [
      withMask(iouScore),
      asMetric(
        'hardIou',
        withMask((t, z, o) => iouScore(t, z, { ...o, hard: true })),
      ),
    ];
    await training(oneOutput(SPATIAL, 3), { loss, metrics }, async (model) => {
      await expect(model.fit(x, packed, full)).rejects.toThrow('each example has shape [3,4,3]');
      acceptAnyTargets(model);
      const z = model.predict(x) as tf.Tensor;
      const [value, score, hard] = (model.evaluate(x, packed) as tf.Scalar[]).map(numberOf);
      expectNumber(value, numberOf(diceLoss(labels, z, { smooth: 1, mask })));
      expectNumber(score, numberOf(iouScore(labels, z, { mask })));
      expectNumber(hard, numberOf(iouScore(labels, z, { mask, hard: true })));
      const byHand = stepByHand(model, x, ([out]) => diceLoss(labels, out!, { smooth: 1, mask }));
      const before = tf.memory().numTensors;
      const { history } = await model.fit(x, packed, full);
      expect(tf.memory().numTensors).toBe(before);
      expect(Object.keys(history)).toEqual(['loss', 'withMask(iouScore)', 'hardIou']);
      expectNumber(history['loss']![0] as number, byHand.value);
      expectWeights(model, byHand.weights);
    });
  });

  test('fitDataset takes packed labels without acceptAnyTargets', async () => {
    const [x, labels, mask] = [images(), indices(3), wholeMask()];
    await training(oneOutput(SPATIAL, 3), { loss: withMask(diceLoss) }, async (model) => {
      const byHand = stepByHand(model, x, ([z]) => diceLoss(labels, z!, { mask }));
      await model.fitDataset(batchesOf(x, packMask(labels, mask), N), { epochs: 1, verbose: 0 });
      expectWeights(model, byHand.weights);
    });
  });

  test('a mask of 0 and 1 takes the same steps as ignoreLabel, which needs no packing', async () => {
    const [x, labels, mask] = [images(), soft(3), wholeMask()];
    const run = async (loss: Loss, targets: tf.Tensor, free: boolean) => {
      const weights: tf.Tensor[] = [];
      await training(oneOutput(SPATIAL, 3), { loss }, async (model) => {
        if (free) acceptAnyTargets(model);
        await model.fit(x, targets, { epochs: 3, batchSize: 2, shuffle: false, verbose: 0 });
        weights.push(...model.getWeights().map((weight) => tf.clone(weight)));
      });
      return weights;
    };
    const ignored = tf.where(tf.cast(tf.expandDims(mask, 3), 'bool'), labels, tf.fill(labels.shape, -1));
    const expected = await run(namedLoss('comboLoss', { ignoreLabel: -1 }) as Loss, ignored, false);
    const packed = await run(withMask(namedLoss('comboLoss', {})) as Loss, packMask(labels, mask), true);
    packed.forEach((weight, i) => expectClose(weight, expected[i]!));

    const none = tf.where(tf.cast(mask, 'bool'), indices(3), tf.fill(mask.shape, -1, 'int32'));
    const sparse = await run(namedLoss('comboLoss', { ignoreLabel: -1 }) as Loss, none, true);
    const sparsePacked = await run(withMask(namedLoss('comboLoss', {})) as Loss, packMask(indices(3), mask), true);
    sparsePacked.forEach((weight, i) => expectClose(weight, sparse[i]!));
  });
});

describe('a wrapped loss', () => {
  test('from the package is a named loss, and passes changes on', () => {
    const inside = namedLoss('diceLoss', { smooth: 1 });
    const loss = withMask(inside);
    expect(isNamedLoss(loss)).toBe(true);
    expect([loss.lossName, loss.name, loss.options]).toEqual([
      'withMask(diceLoss)',
      'withMask(diceLoss)',
      { smooth: 1 },
    ]);
    loss.set({ squared: true });
    expect(inside.options).toEqual({ smooth: 1, squared: true });
    expect(loss.options).toEqual({ smooth: 1, squared: true });
    const packed = packMask(soft(3), floatMask());
    const expected = diceLoss(soft(3), logits(3), { smooth: 1, squared: true, mask: floatMask() });
    expectNumber(numberOf(loss(packed, logits(3))), numberOf(expected));
    expect(() => loss.set({ nonsense: 1 } as never)).toThrow(`unknown option 'nonsense'`);

    const bare = withMask(diceLoss, { axis: 1 }) as NamedLoss;
    expect([bare.lossName, bare.options]).toEqual(['withMask(diceLoss)', { axis: 1 }]);
    const own = withMask(namedLoss('mine', {}, (t, z, options) => diceLoss(t, z, options)));
    expect(own.lossName).toBe('withMask(mine)');
  });

  test('can be rebuilt from its name', () => {
    const loss = withMask(namedLoss('diceLoss', { smooth: 1 }));
    const { wrappers, name } = splitLossName(loss.lossName);
    expect({ wrappers, name }).toEqual({ wrappers: ['withMask'], name: 'diceLoss' });
    const again = wrapLoss(wrappers, namedLoss(name as 'diceLoss', loss.options));
    expect(again.lossName).toBe(loss.lossName);
    const packed = packMask(soft(3), floatMask());
    expectNumber(numberOf(again(packed, logits(3))), numberOf(loss(packed, logits(3))));
    expect(splitLossName('diceLoss')).toEqual({ wrappers: [], name: 'diceLoss' });
    expect(wrapLoss([], again)).toBe(again);
  });

  test('from elsewhere keeps its name in the wrapper', () => {
    expect(withMask((t, z, o) => deepSupervisionLoss(diceLoss, t, [z], o)).name).toBe('withMask');
    expect(withMask(iouScore).name).toBe('withMask(iouScore)');
    expect(isNamedLoss(withMask(iouScore))).toBe(false);
  });
});

describe('errors say what is wrong', () => {
  const packing = (labels: unknown, mask: unknown, options?: object) => () =>
    packMask(labels as tf.Tensor, mask as tf.Tensor, options);

  test('with the tensors to pack', () => {
    const [t, w, i] = [tf.ones([2, 4, 3]), tf.ones([2, 4]), tf.ones([2, 4], 'int32')];
    const [short, samples, words] = [tf.ones([2, 3]), tf.ones([2]), tf.tensor1d(['a', 'b'])];
    const before = tf.memory().numTensors;
    expect(packing(1, w)).toThrow('packMask: labels must be a tf.Tensor, got 1');
    expect(packing(t, [1])).toThrow('packMask: mask must be a tf.Tensor, got [1]');
    expect(packing(words, w)).toThrow('packMask: labels must be float32 or int32 or bool, got string');
    expect(packing(t, words)).toThrow('packMask: mask must be bool or int32 or float32, got string');
    expect(packing(w, w)).toThrow(
      'packMask: class indices must be int32, got a float32 tensor of shape [2,4] with a mask of the same shape',
    );
    expect(packing(t, short)).toThrow('packMask: mask must be [2,4] for labels [2,4,3], got [2,3]');
    expect(packing(t, samples)).toThrow('packMask: mask must be [2,4] for labels [2,4,3], got [2]');
    expect(packing(i, short)).toThrow('packMask: mask must be [2,4] or [2] for labels [2,4], got [2,3]');
    expect(packing(t, w, { axis: 1 })).toThrow('packMask: mask must be [2,3] for labels [2,4,3], got [2,4]');
    expect(packing(i, w, { axis: 0 })).toThrow('packMask: axis must be an integer in 1..2');
    expect(packing(i, w, { axes: 1 })).toThrow(`packMask: unknown option 'axes'; it takes axis`);
    expect(tf.memory().numTensors).toBe(before);
    expect(packing(i, w, { axis: 1 })().shape).toEqual([2, 2, 4]);
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  test('with the loss, its labels and its options', () => {
    const [labels, mask, z] = [soft(3), floatMask(), logits(3)];
    expect(() => withMask(undefined as never)).toThrow('withMask: loss must be a function, got undefined');
    expect(() => withMask(diceLoss, { axis: 1.5 })).toThrow('withMask: axis must be an integer, got 1.5');
    expect(() => withMask(diceLoss, { mask } as never)).toThrow(`withMask: unknown option 'mask'; it takes axis`);
    const named = namedLoss('diceLoss', {}) as never as typeof diceLoss;
    expect(() => withMask(named, { axis: 1 })).toThrow('withMask: give axis to the loss inside, diceLoss, got 1 here');

    const before = tf.memory().numTensors;
    const loss = withMask(diceLoss);
    expect(() => loss(labels, z)).toThrow(
      'withMask: labels must come from packMask, with 2 or 4 channels for predictions [3,3,4,3], got [3,3,4,3]',
    );
    expect(() => loss(mask, z)).toThrow('withMask: labels must come from packMask, with 2 or 4 channels');
    expect(() => withMask(diceLoss)(labels, logits(1))).toThrow('with 2 channels for predictions [3,3,4,1]');
    const packed = packMask(labels, mask);
    expect(() => loss(packed, z, { mask })).toThrow('withMask: the mask comes with the labels, got another one');
    expect(() => loss(packed, z, { smooth: -1 })).toThrow('diceLoss: smooth must be a number >= 0, got -1');
    expect(() => withMask((() => 1) as never)(packed, z)).toThrow(
      'withMask: the result of the loss must be a tf.Tensor',
    );
    // Only logits(1) and the packed tensor remain.
    expect(tf.memory().numTensors - before).toBe(2);
  });
});
