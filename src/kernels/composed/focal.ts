/**
 * Passes over focal terms in plain tfjs ops. A focal term, for a pixel and class, is abs(p - t)^gamma times the entropy
 * term. No backend has a fused kernel for them.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { STEEPEST } from '../../algebra/algebra.js';
import type { PassAttributes, PassInputs, Wrt } from '../contract.js';
import { sign } from '../../ops/sign.js';
import { halfFloats } from '../../ops/halfFloats.js';
import { sumPixels, sumPixelsInUnits, unitOfSums } from '../../ops/sumPixels.js';
import { withGradient } from '../../ops/withGradient.js';
import { differentiable } from './kernels.js';
import {
  entropyTerm,
  entropyTermLabelsGradient,
  entropyTermPredictionsGradient,
  pixels,
  probabilities,
  throughActivation,
  weigh,
  type Pixels,
} from './pixels.js';

export interface FocalTerm {
  gamma: number;
  /** The factor alpha·t + (1 - alpha)(1 - t), or null for 1. */
  alpha: number | null;
}

export interface FocalAttributes extends PassAttributes {
  focal: FocalTerm;
}

/** [N,C]: the sums over pixels, and the unit in which they are given. Call it inside tf.tidy. */
export function focalSums(inputs: PassInputs, attributes: FocalAttributes): { values: Tensor2D; unit: number } {
  const half = halfFloats();
  const unit = half ? unitOfSums(inputs.layout.pixels) : 1;
  const values = differentiable(inputs, {
    value: (inputs) => {
      const all = pixels(inputs, attributes);
      const terms = weigh(focalTerm(all, attributes), all.weights);
      return half ? sumPixelsInUnits(terms) : sumPixels(terms);
    },
    gradient: (inputs, dy: Tensor2D, wrt) => {
      const upstream = tf.expandDims<Tensor3D>(unit === 1 ? dy : tf.mul(dy, 1 / unit), 1);
      return focalGradient(inputs, attributes, upstream, wrt);
    },
  });
  return { values, unit };
}

/** [N,P]: for each pixel its weight times Σ_c coefficients[c]·term. Call it inside tf.tidy. */
export function focalMap(inputs: PassInputs, attributes: FocalAttributes, coefficients: readonly number[]): Tensor2D {
  const perClass = () => tf.tensor3d([...coefficients], [1, 1, coefficients.length]);
  return differentiable(inputs, {
    value: (inputs) => {
      const all = pixels(inputs, attributes);
      const sum = tf.sum(tf.mul(focalTerm(all, attributes), perClass()), 2, true) as Tensor3D;
      return tf.squeeze<Tensor2D>(weigh(sum, all.weights), [2]);
    },
    gradient: (inputs, dy: Tensor2D, wrt) =>
      focalGradient(inputs, attributes, tf.mul(tf.expandDims(dy, 2), perClass()), wrt),
  });
}

function focalTerm(all: Pixels, attributes: FocalAttributes): Tensor3D {
  const d = tf.sub<Tensor3D>(probabilities(all.scaled, attributes.activation), all.labels);
  return balanced(tf.mul(absPower(d, attributes.focal.gamma), entropyTerm(all, attributes)), all, attributes);
}

/** The gradient of Σ upstream·focalTerm with respect to predictions or labels; upstream broadcasts against [N,P,C]. */
function focalGradient(inputs: PassInputs, attributes: FocalAttributes, upstream: Tensor3D, wrt: Wrt): Tensor3D {
  const { gamma, alpha } = attributes.focal;
  const all = pixels(inputs, attributes);
  const p = probabilities(all.scaled, attributes.activation);
  const d = tf.sub<Tensor3D>(p, all.labels);
  const factor = absPower(d, gamma);
  const term = tf.mul(entropyTerm(all, attributes), upstream) as Tensor3D;
  const byDeviation = balanced(tf.mul(term, tf.mul(slope(d, gamma), gamma)), all, attributes);
  const weighted = balanced(tf.mul(factor, upstream), all, attributes);
  if (wrt === 'predictions') {
    const byEntropy = entropyTermPredictionsGradient(all, p, attributes, weighted);
    return weigh(tf.add(byEntropy, throughActivation(byDeviation, p, all.scaled, attributes)), all.weights);
  }
  const byLabels: Tensor3D = tf.sub(entropyTermLabelsGradient(all, attributes, weighted), byDeviation);
  const byBalance = alpha === null ? null : (tf.mul(tf.mul(term, factor), 2 * alpha - 1) as Tensor3D);
  return weigh(byBalance ? tf.add(byLabels, byBalance) : byLabels, all.weights);
}

/** x times alpha·t + (1 - alpha)(1 - t). */
function balanced(x: Tensor, { labels }: Pixels, { focal: { alpha } }: FocalAttributes): Tensor3D {
  return alpha === null ? (x as Tensor3D) : tf.mul(x, tf.add(tf.mul(labels, 2 * alpha - 1), 1 - alpha));
}

/** The slope of abs(d)^gamma, without the factor gamma; 0 at d = 0. */
function slope(d: Tensor3D, gamma: number): Tensor3D {
  return gamma === 2 ? d : tf.mul(sign(d), absPower(d, gamma - 1));
}

/** abs(x)^exponent. For a negative exponent, abs(x) is taken to be at least 1e-6. Differentiable to any order. */
function absPower(x: Tensor3D, exponent: number): Tensor3D {
  return withGradient(
    x,
    (x) => ({ value: powerOfSize(x, exponent), saved: [x] }),
    (dy, [x]) => tf.mul(dy, tf.mul(tf.mul(sign(x), exponent), absPower(x, exponent - 1))),
  );
}

function powerOfSize(x: Tensor3D, exponent: number): Tensor3D {
  // The special cases take a tenth of the time of tf.pow.
  if (exponent === 0) return tf.onesLike(x);
  if (exponent === 1) return tf.abs(x);
  if (exponent === 2) return tf.square(x);
  const size = tf.abs(x);
  return tf.pow(exponent < 0 ? tf.maximum(size, STEEPEST) : size, exponent);
}
