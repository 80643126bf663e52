/**
 * The relaxations of the package, each as a function of the values and of a number p; the larger p, the harder the
 * result.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import {
  entmax,
  gumbelSoftmax,
  powerSharpen,
  softOneHot,
  softThreshold,
  sparsemax,
  straightThroughOneHot,
} from 'softseg';

export const METHODS = [
  'softOneHot',
  'powerSharpen',
  'softThreshold',
  'sparsemax',
  'entmax',
  'gumbelSoftmax',
  'straightThroughOneHot',
] as const;

export type MethodName = (typeof METHODS)[number];

/** Numbers besides p that some methods take. */
export interface Extras {
  alpha: number;
  seed: number;
}

export interface Method {
  /** A short formula. */
  formula: string;
  note: string;
  extra?: keyof Extras;
  apply(values: Tensor, p: number, extras: Extras): Tensor;
  /**
   * The same for rows of values, each with its own p, `[rows, 1]`. It is faster for a whole curve, but possible only if
   * p is a factor on the values.
   */
  applyToRows?(rows: Tensor, p: Tensor, extras: Extras): Tensor;
  code(p: string, extras: Extras): string;
}

/** The threshold of softThreshold, in the middle of the range [0, 1] of the values. */
const MIDDLE = 0.5;

export const METHOD: Record<MethodName, Method> = {
  softOneHot: {
    formula: 'softmax(p·v)',
    note: 'The values compete: as p grows, the largest tends to 1 and the others tend to 0.',
    apply: (values, p) => softOneHot(values, { sharpness: p }),
    applyToRows: (rows, p) => softOneHot(tf.mul(rows, p)),
    code: (p) => `softOneHot(values, { sharpness: ${p} })`,
  },
  powerSharpen: {
    formula: '1 − (1 − v)ᵖ for the largest, vᵖ for the others',
    note: 'At p = 1 the values do not change. A larger p pushes the largest up and the others down.',
    apply: (values, p) => powerSharpen(values, p),
    code: (p) => `powerSharpen(values, ${p})`,
  },
  softThreshold: {
    formula: 'sigmoid(p·(v − 0.5))',
    note: 'The values are independent: each tends to 1 if it is above 0.5, and to 0 if it is below.',
    apply: (values, p) => softThreshold(tf.sub(values, MIDDLE), { sharpness: p }),
    applyToRows: (rows, p) => softThreshold(tf.mul(tf.sub(rows, MIDDLE), p)),
    code: (p) => `softThreshold(values.sub(${MIDDLE}), { sharpness: ${p} })`,
  },
  sparsemax: {
    formula: 'sparsemax(p·v)',
    note: 'Small values become exactly 0. A value that has reached 0 or 1 has no gradient.',
    apply: (values, p) => sparsemax(tf.mul(values, p)),
    applyToRows: (rows, p) => sparsemax(tf.mul(rows, p)),
    code: (p) => `sparsemax(values.mul(${p}))`,
  },
  entmax: {
    formula: 'entmax(p·v); alpha = 1 would be softmax, alpha = 2 is sparsemax',
    note: 'The larger alpha is, the sooner small values become exactly 0.',
    extra: 'alpha',
    apply: (values, p, { alpha }) => entmax(tf.mul(values, p), { alpha }),
    applyToRows: (rows, p, { alpha }) => entmax(tf.mul(rows, p), { alpha }),
    code: (p, { alpha }) => `entmax(values.mul(${p}), { alpha: ${alpha} })`,
  },
  gumbelSoftmax: {
    formula: 'softmax(p·(v + Gumbel noise))',
    note: 'A random value wins; larger values are more likely to. Here the noise is the same for every p.',
    extra: 'seed',
    apply: (values, p, { seed }) => gumbelSoftmax(values, { sharpness: p, seed }),
    code: (p, { seed }) => `gumbelSoftmax(values, { sharpness: ${p}, seed: ${seed} })`,
  },
  straightThroughOneHot: {
    formula: 'one-hot forward, gradient of softmax(p·v) backward',
    note: 'The value is hard for every p; only the gradient is soft.',
    apply: (values, p) => straightThroughOneHot(values, { sharpness: p }),
    applyToRows: (rows, p) => straightThroughOneHot(tf.mul(rows, p)),
    code: (p) => `straightThroughOneHot(values, { sharpness: ${p} })`,
  },
};
