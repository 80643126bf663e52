/** Weights of samples that pass through fit as channels after those of the labels. */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkValues, crossEntropyLoss, diceLoss, iouLoss } from '../../src/index.js';
import { iouScore } from '../../src/metrics/index.js';
import {
  acceptAnyTargets,
  namedLoss,
  packMask,
  packSampleWeights,
  withMask,
  withSampleWeights,
} from '../../src/training/index.js';
import { LOSSES, type LossName } from '../../src/training/lossRegistry.js';
import { isNamedLoss, type NamedLoss } from '../../src/training/boundLoss.js';
import { wrapLoss } from '../../src/training/saving/savedFunctions.js';
import { splitLossName } from '../../src/training/targets/packedLoss.js';
import golden from '../golden/sample-weights.json' with { type: 'json' };
import * as reference from '../reference/index.js';
import type { NdArray } from '../reference/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { lossNamed, LOSSES as WITH_ORACLE, referenceNamed } from '../support/oracle.js';
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
const SPATIAL = [2, 3];
const WEIGHTS = [0.5, 3, 0];
const full = { batchSize: N, epochs: 1, shuffle: false, verbose: 0 } as const;

const weights = () => tf.tensor1d(WEIGHTS);
const images = () => toTensor(randomArray([N, ...SPATIAL, FEATURES], 1, -1, 1));
const logits = (classes = 3) => toTensor(randomArray([N, ...SPATIAL, classes], 2, -2, 2));
const soft = () => toTensor(randomDistribution([N, ...SPATIAL, 3], 3, 3));
const indices = (classes = 3) => toTensor(randomIndices([N, ...SPATIAL], 4, classes));
const toFirst = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);

/** 1/N Σ v·(loss of the sample). */
const byFormula =
  (loss: Loss, labels: tf.Tensor, options: object = {}) =>
  (z: tf.Tensor) =>
    tf.mean(tf.mul(loss(labels, z, { ...options, reduction: 'sample' }), weights()));

function expectSame(wrapped: Loss, packed: tf.Tensor, expected: (z: tf.Tensor) => tf.Tensor, z: tf.Tensor): void {
  expectClose(wrapped(packed, z), expected(z), 1e-6);
  const gradient = (f: (z: tf.Tensor) => tf.Tensor) => tf.grad((x) => f(x))(z);
  expectClose(
    gradient((x) => wrapped(packed, x)),
    gradient(expected),
    1e-6,
  );
}

afterEach(() => checkValues('first'));

test.each(Object.keys(LOSSES) as LossName[])(
  'withSampleWeights(%s) gives the weighted mean of the sample values',
  (name) => {
    const loss = LOSSES[name];
    const labels = indices();
    const packed = packSampleWeights(labels, weights());
    expectSame(withSampleWeights(loss as never), packed, byFormula(loss, labels), logits());
  },
);

test.each(WITH_ORACLE)('%s with weights has the value and gradient of the float64 oracle', (name) => {
  const labels = randomDistribution([N, ...SPATIAL, 3], 3, 3);
  const z = randomArray([N, ...SPATIAL, 3], 2, -2, 2);
  const expected = (z: NdArray) => {
    const values = referenceNamed(name)(labels, z, { reduction: 'sample' }).data;
    return [...values].reduce((sum, value, n) => sum + value * WEIGHTS[n]!, 0) / N;
  };
  const loss = withSampleWeights(lossNamed(name) as never);
  const packed = packSampleWeights(toTensor(labels), weights());
  expectClose(loss(packed, toTensor(z)), { shape: [], data: Float64Array.of(expected(z)) });
  const gradient = tf.grad((x) => loss(packed, x))(toTensor(z));
  // The tolerance is that of expectLikeOracle.
  expectClose(gradient, reference.centralDifference(expected, z), name === 'unifiedFocalLoss' ? 5e-5 : 1e-5);
});

describe("sample weights act like Keras's sample_weight", () => {
  const inputs: Record<string, { shape: number[]; data: number[] }> = golden.inputs;
  const input = (name: string) => toTensor({ shape: inputs[name]!.shape, data: Float64Array.from(inputs[name]!.data) });
  test.each(golden.cases)(`Keras ${golden.versions.Keras}: $call`, ({ ours, labels, predictions, value, gradient }) => {
    const z = input(predictions);
    const options = ours === 'diceLoss' ? { overlap: 'product' } : {};
    const loss = withSampleWeights(namedLoss(ours as 'diceLoss', options as never));
    const packed = packSampleWeights(input(labels), input('weights'));
    expectClose(loss(packed, z), { shape: [], data: Float64Array.of(value) });
    expectClose(tf.grad((x) => loss(packed, x))(z), { shape: z.shape, data: Float64Array.from(gradient) });
  });
});

test('a mask that is constant in each sample cancels in a region loss, but weights do not', () => {
  const [labels, z] = [soft(), logits()];
  const positive = tf.tensor1d([0.5, 3, 1]);
  const mask = tf.mul(tf.ones([N, ...SPATIAL]), tf.reshape(positive, [N, 1, 1]));
  const plain = numberOf(iouLoss(labels, z));
  expectNumber(numberOf(iouLoss(labels, z, { mask })), plain);
  expect(numberOf(withSampleWeights(iouLoss)(packSampleWeights(labels, positive), z))).not.toBeCloseTo(plain, 2);
});

test('a sample without any class still counts among the N samples', () => {
  checkValues('never');
  const labels = tf.zeros([2, 4, 3]); // no class is labelled, so the sample has no term
  const some = tf.concat([
    tf.slice(labels, 0, 1),
    tf.cast(tf.oneHot(tf.tensor2d([[0, 1, 2, 0]], [1, 4], 'int32'), 3), 'float32'),
  ]);
  const z = toTensor(randomArray([2, 4, 3], 1, -1, 1));
  const [, second] = diceLoss(some, z, { reduction: 'sample' }).dataSync();
  expectNumber(numberOf(diceLoss(some, z)), second!);
  expectNumber(numberOf(withSampleWeights(diceLoss)(packSampleWeights(some, tf.ones([2])), z)), second! / 2);
});

describe('labels come out of packing unchanged:', () => {
  const loss: Loss = (t, z, options) => crossEntropyLoss(t, z, { activation: 'sigmoid', ...options });
  const kinds = (classes: number): [string, () => tf.Tensor][] => [
    ['soft', () => tf.sigmoid(logits(classes))],
    ['bool', () => tf.greater(logits(classes), 0)],
    ['one-hot in int32', () => tf.cast(tf.greater(logits(classes), 0), 'int32')],
    ['indices', () => indices(Math.max(classes, 2))],
    ['indices with a class axis', () => tf.expandDims(indices(Math.max(classes, 2)), 3)],
  ];
  const cases = [1, 2, 3].flatMap((classes) => kinds(classes).map(([kind, t]) => ({ classes, kind, t })));
  test.each(cases)('$kind of $classes classes', ({ classes, t }) => {
    const [labels, z] = [t(), logits(classes)];
    expectSame(withSampleWeights(loss), packSampleWeights(labels, weights()), byFormula(loss, labels), z);
    const first = labels.rank === 4 ? toFirst(labels) : labels;
    const packed = packSampleWeights(first, weights(), { axis: 1 });
    expectSame(withSampleWeights(loss, { axis: 1 }), packed, byFormula(loss, first, { axis: 1 }), toFirst(z));
  });

  test('with integer weights int32 labels stay int32', () => {
    const packed = packSampleWeights(indices(), tf.tensor1d([1, 2, 0], 'int32'));
    expect([packed.dtype, packed.shape]).toEqual(['int32', [N, ...SPATIAL, 2]]);
    const expected = tf.mean(tf.mul(diceLoss(indices(), logits(), { reduction: 'sample' }), tf.tensor1d([1, 2, 0])));
    expectNumber(numberOf(withSampleWeights(diceLoss)(packed, logits())), numberOf(expected));
  });

  test('without spatial axes: indices [N] and soft labels [N, C]', () => {
    const z = toTensor(randomArray([N, 3], 2, -2, 2));
    const t = toTensor(randomIndices([N], 4, 3));
    expectSame(withSampleWeights(loss), packSampleWeights(t, weights()), byFormula(loss, t), z);
    const y = toTensor(randomDistribution([N, 3], 3, 1));
    expectSame(withSampleWeights(loss), packSampleWeights(y, weights()), byFormula(loss, y), z);
  });
});

describe('sample weights together with a mask', () => {
  const mask = () => toTensor(randomArray([N, ...SPATIAL], 5, 0, 2));
  test.each([
    ['soft labels', soft, mask],
    ['indices and a float mask', indices, mask],
    ['indices and a mask of 0 and 1', indices, () => toTensor(randomIndices([N, ...SPATIAL], 6, 2))],
  ])('%s', (_, t, w) => {
    const loss = withSampleWeights(withMask(namedLoss('diceLoss', { smooth: 1 })));
    expect(loss.lossName).toBe('withSampleWeights(withMask(diceLoss))');
    const packed = packSampleWeights(packMask(t(), w()), weights());
    expectSame(loss as Loss, packed, byFormula(diceLoss as Loss, t(), { smooth: 1, mask: w() }), logits());

    const { wrappers, name } = splitLossName(loss.lossName);
    const again = wrapLoss(wrappers, namedLoss(name as 'diceLoss', loss.options));
    expect(again.lossName).toBe(loss.lossName);
    expectNumber(numberOf(again(packed, logits())), numberOf(loss(packed, logits())));
  });

  test('packing without the inner mask is an error', () => {
    const loss = withSampleWeights(withMask(diceLoss));
    expect(() => loss(packSampleWeights(soft(), weights()), logits())).toThrow(
      'withSampleWeights: labels must come from packSampleWeights, with 3 or 5 channels for predictions [3,2,3,3]',
    );
    expect(() => loss(packSampleWeights(indices(), weights()), logits())).toThrow('3 or 5 channels');
  });
});

test('in fit and fitDataset, value and step equal those of the formula', async () => {
  const [x, labels] = [images(), indices()];
  const packed = packSampleWeights(labels, weights());
  for (const fit of [
    (model: tf.LayersModel) => model.fit(x, packed, full),
    (model: tf.LayersModel) => model.fitDataset(batchesOf(x, packed, N), { epochs: 1, verbose: 0 }),
  ]) {
    await training(oneOutput(SPATIAL, 3), { loss: withSampleWeights(diceLoss) }, async (model) => {
      acceptAnyTargets(model);
      const byHand = stepByHand(model, x, ([z]) => byFormula(diceLoss as Loss, labels)(z!));
      const before = tf.memory().numTensors;
      const { history } = await fit(model);
      expect(tf.memory().numTensors).toBe(before);
      expectNumber(history['loss']![0] as number, byHand.value);
      expectWeights(model, byHand.weights);
    });
  }
});

test('the wrapped loss is a named loss, and gives values of samples on request', () => {
  const loss = withSampleWeights(namedLoss('diceLoss', { reduction: 'sample' }));
  expect(isNamedLoss(loss)).toBe(true);
  const packed = packSampleWeights(soft(), weights());
  const expected = tf.mul(diceLoss(soft(), logits(), { reduction: 'sample' }), weights());
  expectClose(loss(packed, logits()), expected, 1e-6);
  loss.set({ reduction: 'mean' });
  expectNumber(numberOf(loss(packed, logits())), numberOf(tf.mean(expected)));
  expect((withSampleWeights(diceLoss) as NamedLoss).lossName).toBe('withSampleWeights(diceLoss)');
  // Scores also have values per sample.
  const score = withSampleWeights(iouScore)(packed, logits());
  const scores = iouScore(soft(), logits(), { reduction: 'sample' });
  expectNumber(numberOf(score), numberOf(tf.mean(tf.mul(scores, weights()))));
});

test('labels have a gradient, and so do weights: the contribution of their sample', () => {
  const z = logits();
  const loss = withSampleWeights(diceLoss);
  const [ofLabels, ofWeights] = tf.grads((t: tf.Tensor, v: tf.Tensor) => loss(packSampleWeights(t, v), z))([
    soft(),
    weights(),
  ]);
  expectClose(ofLabels!, tf.grad((t: tf.Tensor) => byFormula(diceLoss as Loss, t)(z))(soft()));
  expectClose(ofWeights!, tf.div(diceLoss(soft(), z, { reduction: 'sample' }), N));
});

describe('errors say what is wrong', () => {
  const packing = (labels: unknown, v: unknown, options?: object) => () =>
    packSampleWeights(labels as tf.Tensor, v as tf.Tensor, options);

  test('with the tensors to pack', () => {
    const t = soft();
    expect(packing(1, weights())).toThrow('packSampleWeights: labels must be a tf.Tensor, got 1');
    expect(packing(t, WEIGHTS)).toThrow('packSampleWeights: weights must be a tf.Tensor, got [0.5,3,0]');
    expect(packing(t, tf.ones([2]))).toThrow('packSampleWeights: weights must be [3] for labels [3,2,3,3], got [2]');
    expect(packing(t, tf.ones([N, 1]))).toThrow('weights must be [3] for labels [3,2,3,3], got [3,1]');
    expect(packing(t, tf.ones([N], 'bool'))).toThrow('weights must be float32 or int32, got bool');
    expect(packing(tf.ones([N]), weights())).toThrow('labels must be [N, ...spatial, C], got shape [3]');
    expect(packing(t, weights(), { axis: 4 })).toThrow('packSampleWeights: axis must be an integer in 1..3');
    expect(packing(t, weights(), { mask: 1 })).toThrow(`packSampleWeights: unknown option 'mask'; it takes axis`);
  });

  test('with the loss and its options', () => {
    const packed = packSampleWeights(soft(), weights());
    const z = logits();
    const before = tf.memory().numTensors;
    const call = (loss: Loss, options?: object) => () => withSampleWeights(loss)(packed, z, options);
    expect(() => withSampleWeights(1 as never)).toThrow('withSampleWeights: loss must be a function, got 1');
    expect(call(diceLoss as Loss, { reduction: 'sum' })).toThrow(
      `withSampleWeights: reduction must be 'mean' or 'sample', got "sum"`,
    );
    expect(call(namedLoss('iouLoss', { reduction: 'none' }) as Loss)).toThrow(`reduction must be 'mean' or 'sample'`);
    expect(call(namedLoss('iouLoss', { aggregate: 'batch' }) as Loss)).toThrow(`iouLoss: reduction 'sample' needs`);
    expect(call((t, p) => diceLoss(t, p))).toThrow(
      `withSampleWeights: the loss must return [3] if its third argument is { reduction: 'sample' }, got []`,
    );
    expect(() => withSampleWeights(diceLoss)(soft(), z)).toThrow(
      'withSampleWeights: labels must come from packSampleWeights, with 2 or 4 channels for predictions [3,2,3,3]',
    );
    // Only soft() remains.
    expect(tf.memory().numTensors - before).toBe(1);
  });
});
