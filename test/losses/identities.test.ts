/** Relations that must hold between one call and another, for any numbers. */
import { describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { expectClose, toTensor } from '../support/compare.js';
import { hasRegion, isSum, lossNamed, LOSSES, REGION_LOSSES, type Loss } from '../support/oracle.js';
import { randomDistribution, randomIndices, randomLabels, randomLogits } from '../support/random.js';

const SHAPE = [2, 4, 6, 3];

const logits = () => toTensor(randomLogits(SHAPE, 1));
const softLabels = () => toTensor(randomDistribution(SHAPE, 2, 3));

function expectSame(a: Loss, b: Loss, labels: tf.Tensor, z: tf.Tensor): void {
  expectClose(a(labels, z), b(labels, z));
  expectClose(tf.grad((x) => a(labels, x))(z), tf.grad((x) => b(labels, x))(z));
}

/** The left half of the columns. */
const crop = (x: tf.Tensor) => tf.slice(x, [0, 0, 0], [x.shape[0]!, x.shape[1]!, 3]);
const leftMask = () => tf.tile(tf.tensor([[[1, 1, 1, 0, 0, 0]]]), [2, 4, 1]);

describe.each(LOSSES)('%s', (name) => {
  const loss = lossNamed(name);
  const isRegion = hasRegion(name);

  test('of a masked batch equals the loss of the cropped batch, in value and gradient', () => {
    const mask = leftMask();
    expectSame(
      (t, z) => loss(t, z, { mask }),
      (t, z) => loss(crop(t), crop(z)),
      softLabels(),
      logits(),
    );
  });

  test('of a batch with one image masked equals the loss of the others', () => {
    const mask = tf.concat([tf.zeros([1, 4, 6]), tf.ones([1, 4, 6])]);
    const second = (x: tf.Tensor) => tf.slice(x, [1], [1]);
    expectSame(
      (t, z) => loss(t, z, { mask }),
      (t, z) => loss(second(t), second(z)),
      softLabels(),
      logits(),
    );
  });

  test('of a batch with one image masked equals the loss of the others, also under sigmoid', () => {
    // Under sigmoid an absent class is penalized, and the masked image must not count as one without labels.
    const mask = tf.concat([tf.zeros([1, 4, 6]), tf.ones([1, 4, 6])]);
    const second = (x: tf.Tensor) => tf.slice(x, [1], [1]);
    for (const absent of isRegion ? ['penalize', 'smooth'] : [undefined]) {
      const options = { activation: 'sigmoid', ...(absent ? { absent } : {}) };
      expectSame(
        (t, z) => loss(t, z, { ...options, mask }),
        (t, z) => loss(second(t), second(z), options),
        toTensor(randomLabels(SHAPE, 3)),
        logits(),
      );
    }
  });

  test('ignores a pixel with the sentinel in a single channel', () => {
    const one = tf.oneHot(tf.fill([2, 4, 6], 1, 'int32'), 3).cast('bool');
    const marked = tf.logicalAnd(one, tf.cast(tf.sub(1, leftMask()), 'bool').expandDims(-1).tile([1, 1, 1, 3]));
    const labels = tf.where(marked, tf.fill(SHAPE, -1), softLabels());
    expectSame(
      (t, z) => loss(t, z, { ignoreLabel: -1 }),
      (_, z) => loss(softLabels(), z, { mask: leftMask() }),
      labels,
      logits(),
    );
  });

  test('ignores sentinel labels like a mask', () => {
    const mask = leftMask();
    const labels = tf.where(mask.expandDims(-1).tile([1, 1, 1, 3]).cast('bool'), softLabels(), tf.fill(SHAPE, -1));
    expectSame(
      (t, z) => loss(t, z, { ignoreLabel: -1 }),
      (_, z) => loss(softLabels(), z, { mask }),
      labels,
      logits(),
    );
  });

  test('ignores a class index like a mask', () => {
    const mask = leftMask();
    const indices = toTensor(randomIndices([2, 4, 6], 4, 3));
    const marked = tf.where(mask.cast('bool'), indices, tf.fill([2, 4, 6], 255, 'int32'));
    expectSame(
      (_, z) => loss(marked, z, { ignoreLabel: 255 }),
      (_, z) => loss(indices, z, { mask }),
      indices,
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

  test('of class indices equals the loss of their one-hot labels', () => {
    const indices = toTensor(randomIndices([2, 4, 6], 4, 3));
    const oneHot = tf.oneHot(indices, 3).cast('float32');
    expectSame(
      (_, z) => loss(indices, z),
      (_, z) => loss(oneHot, z),
      oneHot,
      logits(),
    );
  });

  test('with class weights of 1 equals the loss without weights', () => {
    expectSame((t, z) => loss(t, z, { classWeights: [1, 1, 1] }), loss, softLabels(), logits());
  });

  test('does not change with the order of the pixels', () => {
    const turn = (x: tf.Tensor) => tf.reverse(x, [1, 2]);
    expectSame((t, z) => loss(turn(t), turn(z)), loss, softLabels(), logits());
  });

  test('with sharpness a equals the loss of logits times a', () => {
    expectSame(
      (t, z) => loss(t, z, { sharpness: 3 }),
      (t, z) => loss(t, tf.mul(z, 3)),
      softLabels(),
      logits(),
    );
  });

  test('with a function as activation equals the loss with the activation of that name', () => {
    if (name === 'binaryCrossEntropyLoss') {
      const multilabel = toTensor(randomLabels(SHAPE, 3));
      expectSame((t, z) => loss(t, z, { activation: tf.sigmoid }), loss, multilabel, logits());
      return;
    }
    const softmax = (z: tf.Tensor) => tf.softmax(z);
    expectSame((t, z) => loss(t, z, { activation: softmax }), loss, softLabels(), logits());
  });

  test("'sum' is the sum of 'none', and 'sample' of one image is its 'mean'", () => {
    if (!isSum(name)) {
      expectSame(
        (t, z) => tf.sum(loss(t, z, { reduction: 'none' })),
        (t, z) => loss(t, z, { reduction: 'sum' }),
        softLabels(),
        logits(),
      );
    }
    const first = (x: tf.Tensor) => tf.slice(x, [0], [1]);
    expectSame(
      (t, z) => tf.sum(loss(first(t), first(z), { reduction: 'sample' })),
      (t, z) => loss(first(t), first(z)),
      softLabels(),
      logits(),
    );
  });
});

describe.each(REGION_LOSSES)('%s', (name) => {
  const loss = lossNamed(name);

  test("with aggregate 'batch' equals the loss of all images joined into one", () => {
    const joined = (x: tf.Tensor) => tf.reshape(x, [1, 8, 6, 3]);
    expectSame(
      (t, z) => loss(t, z, { aggregate: 'batch' }),
      (t, z) => loss(joined(t), joined(z)),
      softLabels(),
      logits(),
    );
  });

  test('has the same metric and product form on hard labels', () => {
    const oneHot = tf.oneHot(toTensor(randomIndices([2, 4, 6], 4, 3)), 3).cast('float32');
    expectSame(
      (t, z) => loss(t, z, { overlap: 'metric' }),
      (t, z) => loss(t, z, { overlap: 'product' }),
      oneHot,
      logits(),
    );
  });

  test('does not change when class weights are scaled', () => {
    expectSame(
      (t, z) => loss(t, z, { classWeights: [1, 2, 3] }),
      (t, z) => loss(t, z, { classWeights: [10, 20, 30] }),
      softLabels(),
      logits(),
    );
  });
});

describe('two classes', () => {
  test.each(LOSSES)('%s under softmax equals sigmoid of the difference of the logits', (name) => {
    const loss = lossNamed(name);
    const labels = toTensor(randomDistribution([2, 5, 2], 5, 2));
    const z = toTensor(randomLogits([2, 5, 2], 6));
    const foreground = (x: tf.Tensor) => tf.slice(x, [0, 0, 1], [2, 5, 1]);
    const difference = (x: tf.Tensor) => tf.sub(foreground(x), tf.slice(x, [0, 0, 0], [2, 5, 1]));
    const isRegion = hasRegion(name) && name !== 'unifiedFocalLoss';
    const softmax = name === 'binaryCrossEntropyLoss' ? lossNamed('crossEntropyLoss') : loss;
    expectSame(
      (t, x) => softmax(t, x, { ...(isRegion ? { classes: [1] } : {}), ...combo(name, 'crossEntropy', 0) }),
      (t, x) => loss(foreground(t), difference(x), combo(name, 'crossEntropy', 0)),
      labels,
      z,
    );
  });

  // The region term takes only the foreground, the cross-entropy both classes, so the region part is compared alone.
  function combo(name: string, term: string, weight: number): object {
    if (name === 'unifiedFocalLoss') return { lambda: 1 };
    return name === 'comboLoss' ? { weights: { iou: 1, [term]: weight } } : {};
  }
});

describe('Tversky', () => {
  test('with alpha = beta = 1/2 is Dice, and with alpha = beta = 1 is IoU', () => {
    const [tversky, dice, iou] = [lossNamed('tverskyLoss'), lossNamed('diceLoss'), lossNamed('iouLoss')];
    expectSame(tversky, dice, softLabels(), logits());
    expectSame((t, z) => tversky(t, z, { alpha: 1, beta: 1 }), iou, softLabels(), logits());
  });
});

describe('comboLoss', () => {
  test('is the weighted sum of its terms', () => {
    const [combo, dice, entropy] = [lossNamed('comboLoss'), lossNamed('diceLoss'), lossNamed('crossEntropyLoss')];
    const shared = { sharpness: 1.5, classWeights: [1, 2, 3] };
    expectSame(
      (t, z) => combo(t, z, { ...shared, weights: { dice: 0.7, crossEntropy: 0.3 }, smooth: 1, labelSmoothing: 0.1 }),
      (t, z) =>
        tf.add(
          tf.mul(dice(t, z, { ...shared, smooth: 1 }), 0.7),
          tf.mul(entropy(t, z, { ...shared, labelSmoothing: 0.1 }), 0.3),
        ),
      softLabels(),
      logits(),
    );
  });
});
