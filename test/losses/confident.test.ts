/**
 * A confident network: its logits are so far apart that probabilities, and sums of them, reach the limits of float32.
 */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../support/allEntries.js';
import { nestedGrads } from '../../src/ops/nestedGrads.js';
import { ratio, ratioOr } from '../../src/ops/ratio.js';
import { expectClose, expectFinite } from '../support/compare.js';
import { hasRegion, lossNamed, LOSSES, REGION_LOSSES, type LossName } from '../support/oracle.js';

type RegionLoss = softseg.ClassLoss<softseg.RegionOptions>;
type Scalar = (labels: tf.Tensor, logits: tf.Tensor, options: object) => tf.Tensor;

const GAPS = [30, 60, 95, 200];

const LABELS: [string, () => tf.Tensor][] = [
  ['class indices without the third class', () => tf.tensor([0, 1, 1, 0], [1, 4], 'int32')],
  ['soft labels of all classes', () => tf.tensor([1, 0, 0, 0, 0.5, 0.5, 0, 1, 0, 0, 0.1, 0.9], [1, 4, 3])],
];

/** The third class is -gap everywhere; the first two are completely right, or completely wrong. */
function logits(gap: number, right: boolean): tf.Tensor {
  const [a, b] = right ? [gap, -gap] : [-gap, gap];
  return tf.tensor([a, b, -gap, b, a, -gap, b, a, -gap, a, b, -gap], [1, 4, 3]);
}

const fromTable =
  (loss: RegionLoss): Scalar =>
  (labels, z, { activation, ...options }: { activation?: 'sigmoid' }) =>
    softseg.lossFromOverlap(loss, softseg.overlap(labels, z, activation ? { activation } : {}), options);

const regionLoss = (name: LossName) => softseg[name] as unknown as RegionLoss;

const REGIONS: [string, Scalar][] = [
  ...LOSSES.filter(hasRegion).map((name): [string, Scalar] => [name, lossNamed(name)]),
  ...REGION_LOSSES.map((name): [string, Scalar] => [`lossFromOverlap of ${name}`, fromTable(regionLoss(name))]),
];

const OTHERS: [string, Scalar][] = [
  ['crossEntropyLoss', softseg.crossEntropyLoss],
  ['focalLoss', softseg.focalLoss],
  ['lovaszSoftmaxLoss', softseg.lovaszSoftmaxLoss],
  ['clDiceLoss', (t, z, options) => softseg.clDiceLoss(t, z, { ...options, smooth: 0, classes: 'all' })],
  ['iouScore', softseg.iouScore],
  ['diceScore', softseg.diceScore],
  ['tverskyScore', softseg.tverskyScore],
  ['precisionScore', softseg.precisionScore],
  ['recallScore', softseg.recallScore],
  ['brierScore', softseg.brierScore],
];

function expectFiniteDerivatives(loss: Scalar, options: object, order: 1 | 2): void {
  for (const gap of GAPS) {
    for (const right of [true, false]) {
      for (const [, labels] of LABELS) {
        tf.tidy(() => {
          const [t, z] = [labels(), logits(gap, right)];
          const total = (x: tf.Tensor) => tf.sum(loss(t, x, options));
          expectFinite(total(z));
          const gradient = tf.grad(total);
          expectFinite(gradient(z));
          if (order === 2) expectFinite(tf.grad((x) => tf.sum(tf.mul(gradient(x), logits(1, false))))(z));
        });
      }
    }
  }
}

describe('values, gradients and second derivatives are finite', () => {
  test.each([...REGIONS, ...OTHERS])('of %s', (_, loss) => {
    expectFiniteDerivatives(loss, {}, 2);
    expectFiniteDerivatives(loss, { activation: 'sigmoid' }, 1);
  });

  test.each(REGIONS)('of %s, with every cost of an absent class', (_, loss) => {
    for (const absent of ['penalize', 'smooth', 'skip'])
      for (const activation of ['softmax', 'sigmoid']) expectFiniteDerivatives(loss, { absent, activation }, 1);
  });
});

test('gradients of a confident network are finite, also with an empty mask', () => {
  const gradient = (loss: Scalar, t: tf.Tensor, z: tf.Tensor) => tf.grad((x: tf.Tensor) => loss(t, x, {}))(z);
  const absentThird = tf.tensor([[0, 1, 1, 0]], [1, 4], 'int32');
  expectFinite(gradient(softseg.comboLoss, absentThird, logits(60, true)));
  expectFinite(gradient(softseg.diceLoss, tf.zeros([1, 4, 1]), tf.fill([1, 4, 1], -60)));
});

describe('ratio', () => {
  const quotient = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => ratio(a, b);

  test('has the value and the gradients of a quotient, with every kind of broadcasting', () => {
    const a = tf.tensor2d([[1, -2, 3]]);
    const b = tf.tensor2d([[0.5], [4]]);
    const dy = tf.tensor2d([[1, 2, 3], [4, 5, 6]]); // prettier-ignore
    expectClose(ratio(a, b), tf.div(a, b));
    const [toA, toB] = tf.grads(quotient)([a, b], dy);
    const [expectedA, expectedB] = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.div(x, y))([a, b], dy);
    expectClose(toA!, expectedA!);
    expectClose(toB!, expectedB!);
    expectClose(tf.grad((y) => ratio(3, y))(b), tf.grad((y) => tf.div(3, y))(b));
    expectClose(tf.grad((x) => ratio(x, tf.scalar(4)))(a), tf.fill([1, 3], 0.25));
  });

  test('has second derivatives', () => {
    const b = tf.tensor1d([0.5, 2, 3]);
    const slope = (x: tf.Tensor) => tf.sum(tf.grad((y: tf.Tensor) => ratio(tf.scalar(2), y))(x));
    expectClose(tf.grad(slope)(b), tf.tensor1d([4 / 0.125, 4 / 8, 4 / 27]));
    const nested = nestedGrads((y) => ratio(2, y!), [b], tf.onesLike(b))[0]!;
    expectClose(nested, tf.tensor1d([-8, -0.5, -2 / 9]));
  });

  test.each([1e-20, 1e-30, 1e-37, 1e-42])('has finite gradients where the square of %d is 0', (small) => {
    const b = tf.scalar(small);
    const [toA, toB] = tf.grads(quotient)([tf.scalar(0), b]);
    expectFinite(toA!);
    expect(toB!.dataSync()[0]).toBe(-0);
    expectFinite(tf.grad((y) => ratio(tf.mul(y, 0.25), y))(b));
  });

  test('ratioOr gives its third argument, without a gradient, where the denominator is 0', () => {
    const [a, b] = [tf.tensor1d([1, 0, 2]), tf.tensor1d([0, 0, 4])];
    expectClose(ratioOr(a, b, 1), tf.tensor1d([1, 1, 0.5]));
    expectClose(ratioOr(a, b, 0), tf.tensor1d([0, 0, 0.5]));
    const [toA, toB] = tf.grads((x: tf.Tensor, y: tf.Tensor) => ratioOr(x, y, 1))([a, b]);
    expectClose(toA!, tf.tensor1d([0, 0, 0.25]));
    expectClose(toB!, tf.tensor1d([0, 0, -0.125]));
  });
});
