/**
 * The entropy term of a pixel and class with its focal factor: abs(p - t)^gamma, and the balance of positive and
 * negative pixels.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { STEEPEST } from '../../algebra/algebra.js';
import type { FocalFactor, PassAttributes } from '../contract.js';
import { sign } from '../../ops/sign.js';
import { withGradient } from '../../ops/withGradient.js';
import {
  entropyTerm,
  entropyTermLabelsGradient,
  entropyTermPredictionsGradient,
  throughActivation,
  type Pixels,
} from './pixels.js';

/** The term of every pixel and class, at probabilities p. */
export function term(all: Pixels, p: Tensor3D, attributes: PassAttributes): Tensor3D {
  const { focal } = attributes.entropy;
  const entropy = entropyTerm(all, attributes);
  return focal ? balanced(tf.mul(absPower(tf.sub(p, all.labels), focal.gamma), entropy), all, focal) : entropy;
}

/** The gradient of Σ upstream·term with respect to the predictions; upstream broadcasts against [N,P,C]. */
export function termPredictionsGradient(
  all: Pixels,
  p: Tensor3D,
  attributes: PassAttributes,
  upstream: Tensor3D,
): Tensor3D {
  const { focal } = attributes.entropy;
  if (!focal) return entropyTermPredictionsGradient(all, p, attributes, upstream);
  const { byDeviation, weighted } = focalParts(all, p, attributes, focal, upstream);
  const byEntropy = entropyTermPredictionsGradient(all, p, attributes, weighted);
  return tf.add(byEntropy, throughActivation(byDeviation, p, all.scaled, attributes));
}

/** The gradient of Σ upstream·term with respect to the labels. */
export function termLabelsGradient(all: Pixels, p: Tensor3D, attributes: PassAttributes, upstream: Tensor3D): Tensor3D {
  const { focal } = attributes.entropy;
  if (!focal) return entropyTermLabelsGradient(all, attributes, upstream);
  const { byDeviation, weighted, whole } = focalParts(all, p, attributes, focal, upstream);
  const byLabels: Tensor3D = tf.sub(entropyTermLabelsGradient(all, attributes, weighted), byDeviation);
  return focal.alpha === null ? byLabels : tf.add(byLabels, tf.mul(whole, 2 * focal.alpha - 1));
}

/** The parts of a gradient of the focal term, for the upstream gradient. */
function focalParts(all: Pixels, p: Tensor3D, attributes: PassAttributes, focal: FocalFactor, upstream: Tensor3D) {
  const { gamma } = focal;
  const d = tf.sub<Tensor3D>(p, all.labels);
  const factor = absPower(d, gamma);
  const entropy = tf.mul(entropyTerm(all, attributes), upstream);
  return {
    /** The gradient with respect to d, in abs(d)^gamma. */
    byDeviation: balanced(tf.mul(entropy, tf.mul(slope(d, gamma), gamma)), all, focal),
    /** The upstream gradient of the entropy term. */
    weighted: balanced(tf.mul(factor, upstream), all, focal),
    /** The term without its balance, times the upstream gradient. */
    whole: tf.mul<Tensor3D>(entropy, factor),
  };
}

/** x times alpha·t + (1 - alpha)(1 - t). */
function balanced(x: Tensor, { labels }: Pixels, { alpha }: FocalFactor): Tensor3D {
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
