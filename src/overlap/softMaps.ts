/** Probabilities and labels themselves, for losses that are no algebra on sums. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { pixels, probabilities, weigh } from '../kernels/composed/pixels.js';
import { sumPixels } from '../ops/sumPixels.js';
import { passAttributes, plainEntropy, type LossInputs } from './inputs.js';

export interface SoftMaps {
  /** p and t [N,P,C], differentiable to any order; p of logits 0 and t = 0 where a pixel does not count. */
  predicted: Tensor3D;
  labelled: Tensor3D;
}

export function softMaps(inputs: LossInputs): SoftMaps {
  const { labels, scaled } = pixels(inputs, passAttributes(inputs, plainEntropy(inputs)));
  return { predicted: probabilities(scaled, inputs.activation), labelled: labels };
}

/** Σ w x, [N,C]. */
export function weightedSum(x: Tensor3D, { weights }: LossInputs): Tensor2D {
  return sumPixels(weigh(x, weights));
}

/** Σ w, [N,1]. */
export function weightOfSamples({ weights, layout: { samples, pixels } }: LossInputs): Tensor2D {
  return weights ? sumPixels(weights) : tf.fill<tf.Rank.R2>([samples, 1], pixels);
}
