/** The probabilities and labels of pixels, for losses that are not formulas on sums. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { pixels, probabilities, weigh } from '../kernels/composed/pixels.js';
import { sumPixels } from '../ops/sumPixels.js';
import { passAttributes, plainEntropy, type LossInputs } from './inputs.js';

export interface SoftMaps {
  /**
   * The probabilities p [N,P,C], differentiable to any order. Where a pixel does not count they are those of logits 0.
   */
  predicted: Tensor3D;
  /** The labels t [N,P,C], differentiable to any order. Where a pixel does not count they are 0. */
  labelled: Tensor3D;
}

export function softMaps(inputs: LossInputs): SoftMaps {
  const { labels, scaled } = pixels(inputs, passAttributes(inputs, plainEntropy(inputs)));
  return { predicted: probabilities(scaled, inputs.activation), labelled: labels };
}

/** The weighted sums Σ w x over pixels, [N,C]. */
export function weightedSum(x: Tensor3D, { weights }: LossInputs): Tensor2D {
  return sumPixels(weigh(x, weights));
}

/** The weight of each sample, Σ w over its pixels, [N,1]. */
export function weightOfSamples({ weights, layout: { samples, pixels } }: LossInputs): Tensor2D {
  return weights ? sumPixels(weights) : tf.fill<tf.Rank.R2>([samples, 1], pixels);
}
