/** The losses on the shape of a class, and their comparison with the oracle. */
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import * as reference from '../reference/index.js';
import * as distance from '../reference/distance.js';
import type { NdArray } from '../reference/index.js';
import { expectClose, toTensor } from './compare.js';
import { tensorOptions, type Loss, type Options, type ReferenceLoss } from './oracle.js';

export const SHAPE_LOSSES = ['boundaryLoss', 'hausdorffLoss', 'clDiceLoss'] as const;
export type ShapeLossName = (typeof SHAPE_LOSSES)[number];

export const shapeLoss = (name: ShapeLossName) => softseg[name] as Loss;
export const shapeReference = (name: ShapeLossName) => distance[name] as ReferenceLoss;

/**
 * Checks the value, the gradient to the predictions and, for soft labels, the gradient to the labels, except at kinks.
 */
export function expectLikeShapeOracle(
  name: ShapeLossName,
  labels: NdArray,
  logits: NdArray,
  options: Options,
  smooth = true,
): void {
  tf.tidy(() => {
    const [loss, expected, own] = [shapeLoss(name), shapeReference(name), tensorOptions(options)];
    const [t, z] = [toTensor(labels), toTensor(logits)];
    const value = expected(labels, logits, options);
    expectClose(loss(t, z, own), value);

    // Each entry of the result gets a different factor.
    const factors = value.data.map((_, i) => 1 + 0.25 * (i % 5));
    const total = (t: NdArray, z: NdArray) =>
      expected(t, z, options).data.reduce((sum, each, i) => sum + each * factors[i]!, 0);
    const scaled = (t: tf.Tensor, z: tf.Tensor) => {
      const each = loss(t, z, own);
      return tf.sum(tf.mul(each, tf.tensor(Float32Array.from(factors), each.shape)));
    };
    expectClose(
      tf.grad((x) => scaled(t, x))(z),
      reference.centralDifference((x) => total(labels, x), logits),
    );
    if (labels.dtype === 'int32' || !smooth) return;
    expectClose(
      tf.grad((x) => scaled(x, z))(t),
      reference.centralDifference((x) => total(x, logits), labels),
    );
  });
}
