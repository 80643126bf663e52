/** Leftover tensors, and tensors that a gradient keeps alive. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { kernelsInUse } from '../../src/index.js';
import { lossNamed, LOSSES } from '../support/oracle.js';

function tensorsLeftBy(run: () => tf.Tensor | tf.Tensor[] | void): number {
  const before = tf.memory().numTensors;
  const result = run();
  if (result) tf.dispose(result);
  return tf.memory().numTensors - before;
}

describe.each(LOSSES)('%s', (name) => {
  const loss = lossNamed(name);

  test('leaves no tensor except its result', () => {
    const labels = tf.softmax(tf.randomNormal([2, 6, 6, 3]));
    const logits = tf.randomNormal([2, 6, 6, 3]);
    const mask = tf.ones([2, 6, 6]);
    const indices = tf.zeros([2, 6, 6], 'int32');
    expect(tensorsLeftBy(() => loss(labels, logits))).toBe(0);
    expect(tensorsLeftBy(() => loss(labels, logits, { mask, reduction: 'sample' }))).toBe(0);
    expect(tensorsLeftBy(() => loss(indices, logits, { ignoreLabel: 1, mask }))).toBe(0);
    const relaxation = name === 'binaryCrossEntropyLoss' ? tf.sigmoid : (z: tf.Tensor) => tf.softmax(z);
    expect(tensorsLeftBy(() => loss(labels, logits, { mask, activation: relaxation }))).toBe(0);
    expect(tensorsLeftBy(() => tf.grad((z) => loss(labels, z, { mask }))(logits))).toBe(0);
    expect(tensorsLeftBy(() => tf.grads((t, z) => loss(t, z))([labels, logits]))).toBe(0);
  });

  test('leaves no tensor when it throws', () => {
    const labels = tf.ones([2, 6, 3]);
    const logits = tf.ones([2, 6, 3]);
    const mask = tf.ones([2, 6]);
    const wrong: object[] = [
      { mask: tf.ones([2, 5]) },
      { mask, classWeights: [1] },
      { mask, reduction: 'average' },
      { mask, activation: () => tf.ones([1]) },
      {
        mask,
        activation: () => {
          throw new Error('from the relaxation');
        },
      },
    ];
    for (const options of wrong) {
      expect(tensorsLeftBy(() => expect(() => loss(labels, logits, options)).toThrow())).toBe(0);
    }
  });

  test('keeps nothing as large as its inputs alive for the gradient except its inputs', () => {
    for (const shape of [
      [1, 64, 64, 4],
      [1, 4, 64, 64],
    ]) {
      const axis = shape.indexOf(4);
      const labels = tf.softmax(tf.randomNormal(shape));
      const logits = tf.randomNormal(shape);
      let kept: tf.Tensor[] = [];
      const gradient = tf.grad((z) => {
        const { result, alive } = aliveAfter(() => loss(labels, z, { axis }));
        kept = alive.filter(({ dataId }) => dataId !== labels.dataId && dataId !== z.dataId);
        return result;
      })(logits);
      // tfjs clones the tensors saved for a gradient. On wasm, except in our fused kernels, a clone is a copy (of both
      // inputs, for each of the two). Focal terms are composed there.
      const focal = ['focalLoss', 'unifiedFocalLoss'].includes(name);
      const copying = tf.getBackend() === 'wasm' && (focal || kernelsInUse() === 'composed');
      const copies = Array.from({ length: copying ? 4 : 0 }, () => logits.size);
      expect(kept.map(({ size }) => size).filter((size) => size > 64)).toEqual(copies);
      tf.dispose([labels, logits, gradient]);
    }
  });
});

test('the check above detects the tensors that a loss of plain tfjs ops keeps', () => {
  const logits = tf.randomNormal([1, 64, 64, 4]);
  let kept: number[] = [];
  tf.grad((z) => {
    const { result, alive } = aliveAfter(() => tf.tidy(() => tf.mean(tf.square(tf.softmax(z)))));
    kept = alive.filter(({ dataId }) => dataId !== z.dataId).map(({ size }) => size);
    return result;
  })(logits);
  expect(kept).toContain(logits.size);
});

/** The result of `run`, and the tensors that it made and that live on. */
function aliveAfter<T>(run: () => T): { result: T; alive: tf.Tensor[] } {
  const engine = tf.engine() as unknown as { trackTensor(tensor: tf.Tensor, ...rest: unknown[]): void };
  const trackTensor = engine.trackTensor;
  const made: tf.Tensor[] = [];
  engine.trackTensor = function (tensor, ...rest) {
    made.push(tensor);
    trackTensor.call(this, tensor, ...rest);
  };
  try {
    const result = run();
    return { result, alive: made.filter(({ isDisposed }) => !isDisposed) };
  } finally {
    engine.trackTensor = trackTensor;
  }
}
