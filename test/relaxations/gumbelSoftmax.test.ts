import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { gumbelSoftmax, iouLoss, softOneHot } from '../../src/index.js';
import { expectClose, expectFinite, toTensor } from '../support/compare.js';
import { randomArray, randomLogits } from '../support/random.js';

const shape = [2, 3, 4];
const logits = () => toTensor(randomLogits(shape, 1));
const factors = () => toTensor(randomArray(shape, 3, -1, 1));

describe('gumbelSoftmax', () => {
  test('is the same for the same seed on every backend, and different for another seed or none', () => {
    const z = tf.tensor([0.5, -1, 2, 0]);
    const sample = gumbelSoftmax(z, { seed: 7 });
    expectClose(gumbelSoftmax(z, { seed: 7 }), sample, 0);
    expectClose(sample, tf.tensor(SAMPLE_OF_SEED_7), 1e-5);
    const others = [gumbelSoftmax(z, { seed: 0 }), gumbelSoftmax(z, { seed: 8 }), gumbelSoftmax(z), gumbelSoftmax(z)];
    const all = [sample, ...others].map((each) => each.dataSync()[0]!);
    expect(new Set(all).size).toBe(5);
  });

  test('is the softmax of the logits plus a noise that does not depend on them', () => {
    // At z = 0, softmax(z + g) gives g up to a constant.
    const noise = tf.log(gumbelSoftmax(tf.zeros(shape), { seed: 3 }));
    for (const sharpness of [0.5, 1, 3]) {
      expectClose(
        gumbelSoftmax(logits(), { seed: 3, sharpness }),
        softOneHot(tf.add(logits(), noise), { sharpness }),
        1e-5,
      );
    }
    const along = tf.log(gumbelSoftmax(tf.zeros(shape), { seed: 3, axis: 1 }));
    expectClose(gumbelSoftmax(logits(), { seed: 3, axis: 1 }), softOneHot(tf.add(logits(), along), { axis: 1 }));
  });

  test('chooses each class with the frequency that softmax gives', () => {
    const z = [1, 0, -1];
    const count = 20_000;
    const all = tf.add(tf.zeros([count, 3]), tf.tensor(z));
    const shares = tf.mean(gumbelSoftmax(all, { hard: true, seed: 5 }), 0);
    // Three standard deviations are 0.01.
    const differences = tf.abs(tf.sub(shares, tf.softmax(tf.tensor1d(z))));
    expect(Math.max(...differences.dataSync())).toBeLessThan(0.011);
  });

  test('has noise of the Gumbel distribution', () => {
    // The difference of two Gumbel variables is logistic, with quartiles at ±log 3.
    const p = gumbelSoftmax(tf.zeros([20_000, 2]), { seed: 6 });
    const below = tf.mean(tf.cast(tf.less(tf.slice(p, [0, 0], [20_000, 1]), 0.25), 'float32'));
    expect(Math.abs(below.dataSync()[0]! - 0.25)).toBeLessThan(0.01);
  });

  test('has the gradients of the softmax at the noisy logits, to second order', () => {
    const noise = tf.log(gumbelSoftmax(tf.zeros(shape), { seed: 3 }));
    const weighted = (f: (z: tf.Tensor) => tf.Tensor) => (z: tf.Tensor) => tf.sum(tf.mul(f(z), factors()));
    const ours = weighted((z) => gumbelSoftmax(z, { seed: 3, sharpness: 2 }));
    const same = weighted((z) => softOneHot(tf.add(z, noise), { sharpness: 2 }));
    expectClose(tf.grad(ours)(logits()), tf.grad(same)(logits()));
    const second = (f: (z: tf.Tensor) => tf.Tensor) => tf.grad((z) => tf.sum(tf.square(tf.grad(f)(z))))(logits());
    expectClose(second(ours), second(same), 1e-4);
  });

  test('is one-hot if hard, with the gradient of the soft sample', () => {
    for (const axis of [0, 1, -1]) {
      const options = { seed: 4, sharpness: 2, axis };
      const hard = gumbelSoftmax(logits(), { ...options, hard: true });
      const soft = gumbelSoftmax(logits(), options);
      expectClose(hard, tf.cast(tf.equal(soft, tf.max(soft, axis, true)), 'float32'), 0);
      expectClose(tf.sum(hard, axis), tf.onesLike(tf.sum(hard, axis)), 0);
      const slope = (chosen: boolean) =>
        tf.grad((z) => tf.sum(tf.mul(gumbelSoftmax(z, { ...options, hard: chosen }), factors())))(logits());
      expectClose(slope(true), slope(false));
    }
  });

  test('is finite for extreme logits, and never chooses -Infinity', () => {
    const z = tf.tensor([
      [1e4, -1e4, -Infinity],
      [0, -Infinity, -Infinity],
    ]);
    for (const hard of [false, true]) {
      const p = gumbelSoftmax(z, { seed: 1, hard });
      expectClose(
        p,
        tf.tensor([
          [1, 0, 0],
          [1, 0, 0],
        ]),
      );
      expectFinite(tf.grad((x) => tf.sum(tf.square(gumbelSoftmax(x, { seed: 1, hard }))))(z));
    }
    expectFinite(gumbelSoftmax(tf.zeros([300_000]), { seed: 2 }));
  });

  test('can be the activation of a loss, and leaves no tensor', () => {
    const t = tf.softmax(logits());
    const z = logits();
    const before = tf.memory().numTensors;
    const activation = (x: tf.Tensor) => gumbelSoftmax(x, { seed: 9, hard: true });
    tf.grad((x) => iouLoss(t, x, { activation }))(z).dispose();
    gumbelSoftmax(z).dispose();
    expect(() => gumbelSoftmax(z, { seed: 0.5 })).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuses invalid arguments', () => {
    const z = logits();
    expect(() => gumbelSoftmax(z, { seed: 0.5 })).toThrow('gumbelSoftmax: seed must be an integer >= 0, got 0.5');
    expect(() => gumbelSoftmax(z, { hard: 1 } as object)).toThrow('gumbelSoftmax: hard must be true or false, got 1');
    expect(() => gumbelSoftmax(z, { sharpness: 0 })).toThrow('gumbelSoftmax: sharpness must be a number > 0, got 0');
    expect(() => gumbelSoftmax(z, { temperature: 1 } as object)).toThrow(
      "gumbelSoftmax: unknown option 'temperature'; it takes sharpness, axis, seed, hard",
    );
    expect(() => gumbelSoftmax(z, { axis: 3 })).toThrow('gumbelSoftmax: axis must be an integer in -3..2');
    expect(() => gumbelSoftmax(z, null as unknown as object)).toThrow('gumbelSoftmax: options must be an object');
  });
});

/** The sample is the same on every backend. */
const SAMPLE_OF_SEED_7 = [0.2151046, 0.0099987, 0.5812808, 0.1936159];
