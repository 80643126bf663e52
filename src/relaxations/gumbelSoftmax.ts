import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkBoolean, checkInteger, checkOptionNames } from '../checks.js';
import { softmaxAlong } from '../ops/activations.js';
import { resolveSoftOneHot, type SoftOneHotOptions } from './softOneHot.js';
import { straightThrough } from './straightThrough.js';
import { hardOneHot } from './straightThroughOneHot.js';

export interface GumbelSoftmaxOptions extends SoftOneHotOptions {
  /** An integer >= 0 that fixes the noise, the same on every backend. By default the noise is new in every call. */
  seed?: number;
  /** One-hot samples with the gradient of the soft ones (straight-through). Default false. */
  hard?: boolean;
}

/** The range of the uniform numbers, up to the largest float32 number below 1: at 1 the noise would be infinite. */
const UNIFORM = [1e-30, 1 - 2 ** -24] as const;

/**
 * A relaxed sample of the categorical distribution softmax(z): softmax(sharpness·(z + g)) along an axis, with
 * independent Gumbel noise g = -log(-log u). The argmax is class c with probability softmax(z)_c at any sharpness;
 * the sample approaches its one-hot as sharpness grows. Sharpness is 1/temperature in the papers. The noise is at most
 * 16.6, because u is a float32 number below 1. A NaN makes its row NaN.
 *
 * With `hard` the value is the one-hot of the argmax, and the gradient that of the soft sample. In training, pass a new
 * seed in every step (say the number of the step), or none.
 *
 * @param logits float, any shape
 * @returns values in [0, 1] of the same shape that sum to 1 along the axis
 * @throws if sharpness <= 0, the axis is out of range, the seed is not an integer >= 0, or there is no value
 *
 * @example
 * ```ts
 * const logits = tf.tensor([[1, 2, 3]]);
 * gumbelSoftmax(logits, { sharpness: 2, seed: 7 }); // shape [1, 3]
 * gumbelSoftmax(logits, { hard: true, seed: 7 }); // shape [1, 3]
 * ```
 *
 * @see Jang, Gu, Poole, Categorical reparameterization with Gumbel-softmax, ICLR 2017, arXiv 1611.01144
 * @see Maddison, Mnih, Teh, The concrete distribution, ICLR 2017, arXiv 1611.00712
 */
export function gumbelSoftmax(logits: Tensor, options: GumbelSoftmaxOptions = {}): Tensor {
  return inFunction('gumbelSoftmax', () => {
    checkOptionNames(options, ['sharpness', 'axis', 'seed', 'hard']);
    const { seed, hard = false, ...rest } = options;
    const { sharpness, axis } = resolveSoftOneHot(logits, rest);
    if (seed !== undefined) checkInteger('seed', seed, 0);
    checkBoolean('hard', hard);
    return tf.tidy(() => {
      const noisy = tf.add(logits, gumbelNoise(logits.shape, seed));
      const soft = softmaxAlong(noisy, sharpness, axis);
      return hard ? straightThrough(() => hardOneHot(noisy, axis), soft) : soft;
    });
  });
}

function gumbelNoise(shape: number[], seed: number | undefined): Tensor {
  const u = tf.randomUniform(shape, ...UNIFORM, 'float32', seed);
  return tf.neg(tf.log(tf.neg(tf.log(u))));
}
