/** Second derivatives, and those derivatives that tfjs itself gets wrong. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { centralDifference, map, sum, type NdArray } from '../reference/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import {
  isSum,
  lossNamed,
  LOSSES,
  referenceNamed,
  tensorOptions,
  type LossName,
  type Options,
} from '../support/oracle.js';
import { randomArray, randomDistribution, randomLogits } from '../support/random.js';

const shape = [2, 4, 3];
const labels = randomDistribution(shape, 1, 2);
const logits = randomLogits(shape, 2);
const direction = randomArray(shape, 3, -1, 1);
const mask = map(randomArray([2, 4], 4, 0, 1), (w) => (w < 0.3 ? 0 : w));

/** d/dx of the derivative of `loss` along `direction` of `along`. */
function secondOrder(name: LossName, of: 'labels' | 'logits', along: 'labels' | 'logits', options: Options): NdArray {
  // The root of abs(p - t) in the unified focal loss bends sharply where p is near t.
  const step = name === 'unifiedFocalLoss' ? 2e-5 : 1e-4;
  const moved = (x: NdArray, by: number) => map(x, (value, i) => value + by * direction.data[i]!);
  const total = (t: NdArray, z: NdArray) => sum(referenceNamed(name)(t, z, options).data);
  const slope = (t: NdArray, z: NdArray) => {
    const [t1, z1] = along === 'labels' ? [moved(t, step), z] : [t, moved(z, step)];
    const [t0, z0] = along === 'labels' ? [moved(t, -step), z] : [t, moved(z, -step)];
    return (total(t1, z1) - total(t0, z0)) / (2 * step);
  };
  if (of === 'labels') return centralDifference((t) => slope(t, logits), labels, step);
  return centralDifference((z) => slope(labels, z), logits, step);
}

const OPTIONS: [string, Options][] = [
  ['with defaults', {}],
  ['with mask, sharpness and reduction none', { mask, sharpness: 2, reduction: 'none' }],
  ['with sigmoid', { activation: 'sigmoid' }],
];

describe.each(LOSSES)('%s', (name) => {
  test.each(OPTIONS)('%s has second derivatives to logits, and mixed ones to logits and labels', (_, options) => {
    const own = isSum(name) ? { ...options, reduction: 'mean' } : options;
    const loss = lossNamed(name);
    const withTensors = tensorOptions(own);
    const [t, z, v] = [toTensor(labels), toTensor(logits), toTensor(direction)];
    const slope = (t: tf.Tensor, z: tf.Tensor) => tf.sum(tf.mul(tf.grad((x) => tf.sum(loss(t, x, withTensors)))(z), v));
    expectClose(tf.grad((x) => slope(t, x))(z), secondOrder(name, 'logits', 'logits', own), 3e-5);
    expectClose(tf.grad((x) => slope(x, z))(t), secondOrder(name, 'labels', 'logits', own), 3e-5);
    const labelSlope = (t: tf.Tensor, z: tf.Tensor) =>
      tf.sum(tf.mul(tf.grad((x) => tf.sum(loss(x, z, withTensors)))(t), v));
    expectClose(tf.grad((x) => labelSlope(t, x))(z), secondOrder(name, 'logits', 'labels', own), 3e-5);
  });
});

describe('the absolute difference', () => {
  test('has derivative 0 at p = t, where that of tf.abs is -1 or 1', () => {
    const t = tf.tensor([0.25, 0.5, 1], [1, 3, 1]);
    const p = tf.tensor([0.25, 0.5, 1], [1, 3, 1]);
    const iou = lossNamed('iouLoss');
    const gradient = tf.grad((x) => iou(t, x, { activation: 'none' }))(p);
    // I = (P + T - D)/2, so dI/dp = 1/2 at p = t, and d(I/(P + T - I)) = (1/2 T - 1/2 T)/T² = 0.
    expect(Math.max(...gradient.dataSync().map(Math.abs))).toBeLessThan(1e-6);
  });
});

describe('binary cross-entropy', () => {
  test('has the mixed second derivative -1, also at a logit of 0, where the parts of softplus have kinks', () => {
    const t = tf.tensor([0.3, 1], [2, 1]);
    const z = tf.tensor([0, 0], [2, 1]);
    const bce = lossNamed('binaryCrossEntropyLoss');
    const byLabels = (x: tf.Tensor) => tf.sum(tf.grad((y) => bce(y, x, { reduction: 'sum' }))(t));
    expectClose(tf.grad(byLabels)(z), tf.tensor([-1, -1], [2, 1]));
  });
});

describe.each(['crossEntropyLoss', 'focalLoss'] as const)('%s', (name) => {
  test('has mixed third derivatives, once by labels and twice by logits', () => {
    const [t, z, v] = [toTensor(labels), toTensor(logits), toTensor(direction)];
    const loss = lossNamed(name);
    const byLabels = (x: tf.Tensor) => tf.sum(tf.mul(tf.grad((y) => tf.sum(loss(y, x)))(t), v));
    const twice = (x: tf.Tensor) => tf.sum(tf.square(tf.grad(byLabels)(x)));
    const differences = map(logits, (_, i) => {
      const at = (step: number) => {
        const moved = map(logits, (value, k) => (k === i ? value + step : value));
        return twice(toTensor(moved)).dataSync()[0]!;
      };
      return (at(0.02) - at(-0.02)) / 0.04;
    });
    expectClose(tf.grad(twice)(z), differences, 5e-3);
  });
});

describe('focal Tversky below gamma 1', () => {
  test('has a finite gradient at loss 0', () => {
    const t = tf.tensor([1, 0, 1, 0], [1, 2, 2]);
    const p = tf.tensor([1, 0, 1, 0], [1, 2, 2]);
    const gradient = tf.grad((x) => lossNamed('tverskyLoss')(t, x, { activation: 'none', gamma: 0.5 }))(p);
    expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
  });
});

describe('the gradient', () => {
  test('works under valueAndGrads, variableGrads and an optimizer', () => {
    const t = toTensor(labels);
    const { value, grads } = tf.valueAndGrads(
      (a: tf.Tensor, b: tf.Tensor) => lossNamed('comboLoss')(t, tf.add(a, b)) as tf.Scalar,
    )([toTensor(logits), tf.zeros(shape)]);
    expectClose(grads[0]!, grads[1]!);
    const variable = tf.variable(toTensor(logits));
    const optimizer = tf.train.sgd(1);
    const before = optimizer.minimize(() => lossNamed('comboLoss')(t, variable) as tf.Scalar, true)!;
    expectClose(before, value);
    expect(lossNamed('comboLoss')(t, variable).dataSync()[0]).toBeLessThan(value.dataSync()[0]!);
    optimizer.dispose();
    variable.dispose();
  });
});
