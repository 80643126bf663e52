import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import * as reference from '../reference/index.js';
import type { NdArray } from '../reference/index.js';
import { expectClose, toTensor } from './compare.js';
import { PASS_LOSSES, type LossName } from './described.js';
import { remembered } from './remembered.js';

export { hasRegion, isSum, REGION_LOSSES, type LossName } from './described.js';

/** The losses that share the pass over the pixels. */
export const LOSSES = PASS_LOSSES;

/** Options as the oracle takes them: masks are arrays. */
export type Options = Record<string, unknown> & { mask?: NdArray };

export type Loss = (labels: tf.Tensor, predictions: tf.Tensor, options?: object) => tf.Tensor;
export type ReferenceLoss = (labels: NdArray, predictions: NdArray, options?: object) => NdArray;

export function lossNamed(name: LossName): Loss {
  return softseg[name] as Loss;
}

export function referenceNamed(name: LossName): ReferenceLoss {
  const oracle = (reference as Partial<Record<LossName, unknown>>)[name];
  if (!oracle) throw new Error(`${name} has no oracle in test/reference`);
  return oracle as ReferenceLoss;
}

export function tensorOptions({ mask, ...options }: Options): object {
  return mask ? { ...options, mask: toTensor(mask) } : options;
}

/** Checks the value, the gradient to the predictions and, for soft labels, the gradient to the labels. */
export function expectLikeOracle(name: LossName, labels: NdArray, logits: NdArray, options: Options): void {
  // A small abs(p - t) has few digits in float32, and so has its root.
  const tolerance = name === 'unifiedFocalLoss' || Number(options['gamma']) < 1 ? 5e-5 : 1e-5;
  tf.tidy(() => {
    const loss = lossNamed(name);
    const expected = referenceNamed(name);
    const own = tensorOptions(options);
    const [t, z] = [toTensor(labels), toTensor(logits)];
    const key = { name, labels, logits, options };
    const expectedValue = remembered(key, () => expected(labels, logits, options));
    expectClose(loss(t, z, own), expectedValue);

    // Each entry of the result gets a different factor.
    const factors = expectedValue.data.map((_, i) => 1 + 0.25 * (i % 5));
    const total = (t: NdArray, z: NdArray) =>
      expected(t, z, options).data.reduce((sum, value, i) => sum + value * factors[i]!, 0);
    const scaled = (t: tf.Tensor, z: tf.Tensor) => {
      const value = loss(t, z, own);
      return tf.sum(tf.mul(value, tf.tensor(Float32Array.from(factors), value.shape)));
    };
    expectClose(
      tf.grad((z) => scaled(t, z))(z),
      remembered(key, () => reference.centralDifference((z) => total(labels, z), logits)),
      tolerance,
    );
    if (labels.dtype === 'int32') return;
    expectClose(
      tf.grad((t) => scaled(t, z))(t),
      remembered(key, () => reference.centralDifference((t) => total(t, logits), labels)),
      tolerance,
    );
  });
}
