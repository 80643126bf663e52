/** Labels at several scales, and the sum of the losses there. */
import { afterEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import {
  comboLoss,
  crossEntropyLoss,
  deepSupervisionLoss,
  diceLoss,
  focalLoss,
  mccLoss,
  type ScaleLoss,
} from '../../src/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomDistribution, randomIndices, randomLogits } from '../support/random.js';

const logitsOf = (...shape: number[]) => toTensor(randomLogits(shape, shape[1]! + shape[2]!));

const kept: tf.Tensor[] = [];
afterEach(() => tf.dispose(kept.splice(0)));
const keep = (x: tf.Tensor): tf.Tensor => {
  kept.push(tf.keep(tf.clone(x)));
  return kept.at(-1)!;
};

/** The labels and options that the loss gets for a prediction. */
function atScale(labels: tf.Tensor, prediction: tf.Tensor, options: object = {}) {
  const seen: { labels: tf.Tensor; mask: tf.Tensor | undefined }[] = [];
  const loss: ScaleLoss = (t, _, { mask }) => {
    seen.push({ labels: keep(t), mask: mask && keep(mask) });
    return tf.scalar(0);
  };
  deepSupervisionLoss(loss, labels, [prediction], options);
  return seen[0]!;
}

describe('deepSupervisionLoss', () => {
  test('is the weighted sum of the losses at each scale, halving from scale to scale', () => {
    const t = toTensor(randomDistribution([2, 8, 4, 3], 1, 3));
    const scales = [logitsOf(2, 8, 4, 3), logitsOf(2, 4, 2, 3), logitsOf(2, 2, 1, 3)];
    const pooled = [t, tf.avgPool(t as tf.Tensor4D, 2, 2, 'valid'), tf.avgPool(t as tf.Tensor4D, 4, 4, 'valid')];
    for (const loss of [comboLoss, diceLoss, focalLoss, mccLoss] as ScaleLoss[]) {
      const sum = (weights: number[]) => tf.addN(scales.map((z, i) => tf.mul(loss(pooled[i]!, z, {}), weights[i]!)));
      expectClose(deepSupervisionLoss(loss, t, scales), sum([4 / 7, 2 / 7, 1 / 7]));
      expectClose(deepSupervisionLoss(loss, t, scales, { weights: [1, 0, 3] }), sum([1, 0, 3]));
    }
    const own = tf.grads((...z: tf.Tensor[]) => deepSupervisionLoss(comboLoss as ScaleLoss, t, z))(scales);
    scales.forEach((z, i) => {
      const expected = tf.grad((x) => tf.mul(comboLoss(pooled[i]!, x), 2 ** (2 - i) / 7))(z);
      expectClose(own[i]!, expected);
    });
  });

  test('also gives the sum per sample, and takes functions of the user', () => {
    const t = toTensor(randomDistribution([2, 4, 4, 3], 1, 3));
    const scales = [logitsOf(2, 4, 4, 3), logitsOf(2, 2, 2, 3)];
    const loss: ScaleLoss = (a, b, options) => diceLoss(a, b, { ...options, reduction: 'sample', squared: true });
    const own = deepSupervisionLoss(loss, t, scales);
    const half = loss(tf.avgPool(t as tf.Tensor4D, 2, 2, 'valid'), scales[1]!, {});
    expectClose(own, tf.add(tf.mul(loss(t, scales[0]!, {}), 2 / 3), tf.mul(half, 1 / 3)));
  });

  test('turns class indices into the proportions of the classes', () => {
    const t = tf.tensor([[0, 2, 1, 1, 2, 2, 1, 0]], [1, 2, 4], 'int32');
    const { labels } = atScale(t, tf.zeros([1, 1, 2, 3]));
    expectClose(labels, tf.tensor([[[[0.25, 0, 0.75], [0.25, 0.75, 0]]]])); // prettier-ignore
    // With one class the label is 1 where the index is 1.
    const { labels: share } = atScale(t.minimum(1).cast('int32'), tf.zeros([1, 1, 2, 1]));
    expectClose(share, tf.tensor([0.75, 0.75], [1, 1, 2, 1]));
  });

  test('equals the loss of the one-hot labels', () => {
    const indices = toTensor(randomIndices([2, 4, 6], 3, 3));
    const scales = [logitsOf(2, 4, 6, 3), logitsOf(2, 2, 3, 3)];
    const hot = tf.oneHot(indices, 3).toFloat();
    expectClose(deepSupervisionLoss(comboLoss, indices, scales), deepSupervisionLoss(comboLoss, hot, scales));
    expectClose(
      deepSupervisionLoss(comboLoss, indices.expandDims(3), scales),
      deepSupervisionLoss(comboLoss, hot, scales),
    );
  });

  test('averages over fractions of pixels where the scale is not a whole number', () => {
    const t = tf.tensor([1, 0, 0, 1, 1], [1, 5, 1]);
    const { labels } = atScale(t, tf.zeros([1, 2, 1]));
    expectClose(labels, tf.tensor([1 / 2.5, 2 / 2.5], [1, 2, 1]));
    const three = atScale(tf.tensor([1, 0.5, 0.25, 0], [1, 4, 1]), tf.zeros([1, 3, 1])).labels;
    expectClose(
      three,
      tf.tensor([(1 + 0.5 / 3) / (4 / 3), (1 / 3 + 0.5 / 3) / (4 / 3), 0.25 / 3 / (4 / 3)], [1, 3, 1]),
    );
  });

  test('works in 1-D and 3-D, with channels first, and with axes that shrink differently', () => {
    const t = toTensor(randomDistribution([2, 4, 6, 2, 3], 1, 4));
    const z = toTensor(randomLogits([2, 2, 3, 2, 3], 2));
    const pooled = tf.mean(tf.reshape(t, [2, 2, 2, 3, 2, 2, 3]), [2, 4]);
    const expected = crossEntropyLoss(pooled, z);
    expectClose(deepSupervisionLoss(crossEntropyLoss, t, [z]), expected);
    const toFront = (x: tf.Tensor) => tf.transpose(x, [0, 4, 1, 2, 3]);
    const own = deepSupervisionLoss(crossEntropyLoss, toFront(t), [toFront(z)], { axis: 1 });
    expectClose(own, expected);
    const indices = toTensor(randomIndices([2, 4, 6, 2], 3, 3));
    expectClose(
      deepSupervisionLoss(crossEntropyLoss, indices, [toFront(z)], { axis: 1 }),
      deepSupervisionLoss(crossEntropyLoss, indices, [z]),
    );
  });

  test('excludes masked pixels from averages, and gives coarse pixels the mean weight', () => {
    const t = tf.tensor([1, 0, 0.5, NaN, NaN, NaN, 0.25, 0.75], [1, 4, 2, 1]);
    const mask = tf.tensor([1, 1, 3, 0, 0, 0, 1, 1], [1, 4, 2]);
    const seen = atScale(t, tf.zeros([1, 2, 1, 1]), { mask });
    expectClose(seen.labels, tf.tensor([2.5 / 5, 0.5], [1, 2, 1, 1]));
    expectClose(seen.mask!, tf.tensor([5 / 4, 0.5], [1, 2, 1]));
    const nothing = atScale(t, tf.zeros([1, 2, 1, 1]), { mask: tf.zerosLike(mask) });
    expectClose(nothing.labels, tf.zeros([1, 2, 1, 1]));
  });

  test('ignores labels like a mask, at every scale', () => {
    const indices = toTensor(randomIndices([2, 4, 6], 3, 3));
    const mask = tf.tensor([1, 1, 1, 0, 1, 1]).tile([8]).reshape([2, 4, 6]);
    const marked = tf.where(mask.cast('bool'), indices, tf.fill([2, 4, 6], 255, 'int32'));
    const scales = [logitsOf(2, 4, 6, 3), logitsOf(2, 2, 3, 3), logitsOf(2, 1, 3, 3)];
    for (const resize of ['average', 'nearest'] as const) {
      expectClose(
        deepSupervisionLoss(comboLoss, marked, scales, { ignoreLabel: 255, resize }),
        deepSupervisionLoss(comboLoss, indices, scales, { mask, resize }),
      );
    }
    const hot = tf.oneHot(indices, 3).toFloat();
    const soft = tf.where(mask.cast('bool').expandDims(3).tile([1, 1, 1, 3]), hot, tf.fill([2, 4, 6, 3], -1));
    expectClose(
      deepSupervisionLoss(comboLoss, soft, scales, { ignoreLabel: -1 }),
      deepSupervisionLoss(comboLoss, indices, scales, { mask }),
    );
  });

  test("takes the middle pixel with resize 'nearest', and keeps class indices as indices", () => {
    const indices = tf.tensor([[0, 1, 2, 3, 4, 5]], [1, 6], 'int32');
    const { labels } = atScale(indices, tf.zeros([1, 2, 6]), { resize: 'nearest' });
    expect(labels.dtype).toBe('int32');
    expect([...labels.dataSync()]).toEqual([1, 4]);
    const soft = tf.tensor([0, 0.1, 0.2, 0.3, 0.4, 0.5], [1, 6, 1]);
    expectClose(atScale(soft, tf.zeros([1, 2, 1]), { resize: 'nearest' }).labels, tf.tensor([0.1, 0.4], [1, 2, 1]));
    expectClose(
      atScale(soft, tf.zeros([1, 4, 1]), { resize: 'nearest' }).labels,
      tf.tensor([0, 0.2, 0.3, 0.5], [1, 4, 1]),
    );
  });

  test('has gradients to the labels, and leaves no tensor', () => {
    const t = toTensor(randomDistribution([1, 4, 4, 3], 1, 3));
    const z = logitsOf(1, 2, 2, 3);
    for (const resize of ['average', 'nearest'] as const) {
      for (const mask of [undefined, tf.ones([1, 4, 4])]) {
        const loss = (x: tf.Tensor) => deepSupervisionLoss(crossEntropyLoss, x, [z], { resize, mask });
        const before = tf.memory().numTensors;
        const gradient = tf.grad(loss)(t);
        expect(tf.memory().numTensors).toBe(before + 1);
        // Cross-entropy is linear in the labels.
        expectClose(tf.sum(tf.mul(gradient, t)), loss(t));
      }
    }
    const before = tf.memory().numTensors;
    const broken = () => deepSupervisionLoss(() => { throw new Error('mine'); }, t, [z]); // prettier-ignore
    expect(broken).toThrow('mine');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('deepSupervisionLoss refuses', () => {
  const t = () => tf.zeros([1, 4, 4, 3]);
  const z = () => tf.zeros([1, 2, 2, 3]);
  const run = deepSupervisionLoss as (...args: unknown[]) => tf.Tensor;
  const REFUSED: [string, () => unknown[], string][] = [
    ['no loss', () => ['dice', t(), [z()]], 'loss must be a function, got "dice"'],
    ['a tensor for a list', () => [diceLoss, t(), z()], 'predictions must be a list of tensors, the finest first'],
    ['an empty list', () => [diceLoss, t(), []], 'predictions must be a list of tensors, the finest first, got []'],
    ['int predictions', () => [diceLoss, t(), [z().cast('int32')]], 'predictions[0] must be float32, got int32'],
    [
      'predictions with other classes',
      () => [diceLoss, t(), [z(), tf.zeros([1, 1, 1, 2])]],
      'predictions may differ in spatial sizes only, got [1,2,2,3] and [1,1,1,2]',
    ],
    [
      'predictions larger than the labels',
      () => [diceLoss, t(), [tf.zeros([1, 4, 8, 3])]],
      'predictions [1,4,8,3] are larger than labels [1,4,4,3]',
    ],
    ['labels of another rank', () => [diceLoss, tf.zeros([1, 4]), [z()]], 'labels [1,4] must have the shape of'],
    [
      'labels with other classes',
      () => [diceLoss, tf.zeros([1, 4, 4, 2]), [z()]],
      'labels [1,4,4,2] and predictions [1,4,4,3] differ on the class axis (-1)',
    ],
    [
      'a mask of a coarse shape',
      () => [diceLoss, t(), [z()], { mask: tf.ones([1, 2, 2]) }],
      'mask must have shape [1,4,4] ([N, ...spatial])',
    ],
    [
      'weights of another length',
      () => [diceLoss, t(), [z()], { weights: [1, 2] }],
      'weights must be a list of 1 numbers',
    ],
    ['negative weights', () => [diceLoss, t(), [z()], { weights: [-1] }], 'weights[0] must be a number >= 0, got -1'],
    ['an unknown resize', () => [diceLoss, t(), [z()], { resize: 'cubic' }], "resize must be 'average', 'nearest'"],
    ['an unknown option', () => [diceLoss, t(), [z()], { sharpness: 2 }], "unknown option 'sharpness'"],
    ['a loss that gives no tensor', () => [() => 1, t(), [z()]], 'the result of the loss must be a tf.Tensor, got 1'],
    [
      'a loss per pixel',
      () => [(a: tf.Tensor) => tf.sum(a, -1), t(), [t(), z()]],
      "the loss must give one shape at every scale, got [1,4,4], [1,2,2]; reduction 'none' does not",
    ],
  ];
  test.each(REFUSED)('%s', (_, args, message) => {
    expect(() => run(...args())).toThrow(`deepSupervisionLoss: ${message}`);
  });
});
