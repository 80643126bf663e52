/** The relaxations of the package, each as a function of the values and of the number p that hardens it. */
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
  /** What it computes, in a few letters. */
  formula: string;
  note: string;
  /** What p is called in the function's options. */
  strength: string;
  extra?: keyof Extras;
  of(values: Tensor, p: number, extras: Extras): Tensor;
  /** The same for rows of values with a p each, `[rows, 1]`, where p is but a factor on them: quicker for a whole curve. */
  ofRows?(rows: Tensor, p: Tensor, extras: Extras): Tensor;
  code(p: string, extras: Extras): string;
}

/** Where softThreshold changes sides: the values lie in [0, 1]. */
const MIDDLE = 0.5;

export const METHOD: Record<MethodName, Method> = {
  softOneHot: {
    formula: 'softmax(p·v)',
    note: 'The values compete: as p grows, the largest tends to 1 and the others to 0.',
    strength: 'sharpness p',
    of: (values, p) => softOneHot(values, { sharpness: p }),
    ofRows: (rows, p) => softOneHot(tf.mul(rows, p)),
    code: (p) => `softOneHot(values, { sharpness: ${p} })`,
  },
  powerSharpen: {
    formula: '1 − (1 − v)ᵖ for the largest, vᵖ for the others',
    note: 'It starts at the values themselves at p = 1, and pushes the largest up and the others down.',
    strength: 'power p',
    of: (values, p) => powerSharpen(values, p),
    code: (p) => `powerSharpen(values, ${p})`,
  },
  softThreshold: {
    formula: 'sigmoid(p·(v − 0.5))',
    note: 'Each value for itself: above 0.5 it tends to 1, below to 0.',
    strength: 'sharpness p',
    of: (values, p) => softThreshold(tf.sub(values, MIDDLE), { sharpness: p }),
    ofRows: (rows, p) => softThreshold(tf.mul(tf.sub(rows, MIDDLE), p)),
    code: (p) => `softThreshold(values.sub(${MIDDLE}), { sharpness: ${p} })`,
  },
  sparsemax: {
    formula: 'sparsemax(p·v)',
    note: 'Exact zeros for small values. A value that has reached 0 or 1 has no gradient at all.',
    strength: 'factor p',
    of: (values, p) => sparsemax(tf.mul(values, p)),
    ofRows: (rows, p) => sparsemax(tf.mul(rows, p)),
    code: (p) => `sparsemax(values.mul(${p}))`,
  },
  entmax: {
    formula: 'entmax(p·v), alpha between softmax (1) and beyond sparsemax (2)',
    note: 'The larger alpha, the sooner small values are exactly 0.',
    strength: 'factor p',
    extra: 'alpha',
    of: (values, p, { alpha }) => entmax(tf.mul(values, p), { alpha }),
    ofRows: (rows, p, { alpha }) => entmax(tf.mul(rows, p), { alpha }),
    code: (p, { alpha }) => `entmax(values.mul(${p}), { alpha: ${alpha} })`,
  },
  gumbelSoftmax: {
    formula: 'softmax(p·(v + Gumbel noise))',
    note: 'A random winner, likelier for larger values. The same noise for every p here.',
    strength: 'sharpness p',
    extra: 'seed',
    of: (values, p, { seed }) => gumbelSoftmax(values, { sharpness: p, seed }),
    code: (p, { seed }) => `gumbelSoftmax(values, { sharpness: ${p}, seed: ${seed} })`,
  },
  straightThroughOneHot: {
    formula: 'one-hot forward, gradient of softmax(p·v) backward',
    note: 'The value is hard at every p; only the gradient is soft.',
    strength: 'sharpness p',
    of: (values, p) => straightThroughOneHot(values, { sharpness: p }),
    ofRows: (rows, p) => straightThroughOneHot(tf.mul(rows, p)),
    code: (p) => `straightThroughOneHot(values, { sharpness: ${p} })`,
  },
};
