/**
 * Shared parts of the composed passes: labels, probabilities and the entropy term per pixel and class. They are written
 * in tfjs ops that all have gradients, so that the gradients written with them can be differentiated again.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { EntropyTerm, PassActivation, PassAttributes, PassInputs } from '../contract.js';
import { toLabelPixels, toPixels } from '../layout.js';
import { logSoftmaxAlong, scaledSigmoid, softmaxAlong, softplus } from '../../ops/activations.js';
import { constant } from '../../ops/constant.js';
import { halfFloats } from '../../ops/halfFloats.js';
import { oneHot } from '../../ops/oneHot.js';
import { ratio } from '../../ops/ratio.js';
import { toFloat } from '../../ops/toFloat.js';
import { withGradient } from '../../ops/withGradient.js';

/** Upper bound of -log p (the surprise), so that a logit of -Infinity gives a finite loss. */
const largestSurprise = () => (halfFloats() ? 6e4 : 1e9);
/** With activation 'none', probabilities are kept this far from 0 (and 1) in logarithms and divisions. */
const smallestProbability = () => (halfFloats() ? 1e-4 : 1e-12);

/** The inputs of a pass as [N,P,C], with class indices made one-hot, and with 0 where a pixel is ignored. */
export interface Pixels {
  /** t [N,P,C]. */
  labels: Tensor3D;
  /** sharpness·z, or p with activation 'none': [N,P,C]. */
  scaled: Tensor3D;
  /** w [N,P,1], or null for 1. */
  weights: Tensor3D | null;
}

export function pixels(inputs: PassInputs, attributes: PassAttributes): Pixels {
  const { weights, layout } = inputs;
  const labels = toLabelPixels(inputs.labels, inputs.labelKind, layout);
  const predictions = toPixels(inputs.predictions, layout);
  const counts = weights && (constant(() => tf.greater(weights, 0)) as Tensor3D);
  const select = (x: Tensor3D): Tensor3D =>
    counts ? tf.where(tf.broadcastTo(counts, x.shape), x, tf.zerosLike(x)) : x;
  const soft = labels.rank === 3 ? select(labels as Tensor3D) : labelsOf(labels as Tensor2D, predictions.shape[2]);
  return { labels: soft, scaled: scale(select(predictions), attributes), weights };
}

/** Class indices as one-hot labels [N,P,C]. A single class is a mask, which is 1 where the index is 1. */
export function labelsOf(indices: Tensor2D, classes: number): Tensor3D {
  if (classes > 1) return oneHot(indices, classes) as Tensor3D;
  return tf.expandDims(toFloat(tf.equal(indices, 1)), 2);
}

function scale(z: Tensor3D, { activation, sharpness }: PassAttributes): Tensor3D {
  return activation === 'none' || sharpness === 1 ? z : tf.mul(z, sharpness);
}

export function probabilities(scaled: Tensor3D, activation: PassActivation): Tensor3D {
  if (activation === 'softmax') return softmaxAlong(scaled, 1, 2);
  return activation === 'sigmoid' ? scaledSigmoid(scaled, 1) : scaled;
}

/** Converts a gradient with respect to the probabilities into one with respect to the predictions. */
export function throughActivation(
  dp: Tensor3D,
  p: Tensor3D,
  scaled: Tensor3D,
  { activation, sharpness }: PassAttributes,
): Tensor3D {
  if (activation === 'none') return dp;
  const slope: Tensor3D =
    activation === 'softmax'
      ? tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), 2, true)))
      : tf.mul(dp, tf.mul(p, scaledSigmoid(scaled, -1)));
  return scaleBy(slope, sharpness);
}

export function weigh(x: Tensor3D, weights: Tensor3D | null): Tensor3D {
  return weights ? tf.mul(x, weights) : x;
}

function scaleBy(x: Tensor3D, factor: number): Tensor3D {
  return factor === 1 ? x : tf.mul(x, factor);
}

/** Smoothed labels: t(1 - e) + e/K with e = labelSmoothing and K outcomes. */
function smoothed(labels: Tensor3D, { kind, labelSmoothing }: EntropyTerm): Tensor3D {
  if (labelSmoothing === 0) return labels;
  const outcomes = kind === 'categorical' ? labels.shape[2] : 2;
  return tf.add(tf.mul(labels, 1 - labelSmoothing), labelSmoothing / outcomes);
}

function logOf(p: Tensor3D): Tensor3D {
  return tf.log(tf.maximum(p, smallestProbability()));
}

function inverseOf(p: Tensor3D): Tensor3D {
  return ratio(1, tf.maximum(p, smallestProbability()));
}

function oneMinus(x: Tensor3D): Tensor3D {
  return tf.sub(1, x);
}

interface Surprise {
  /** -log p. */
  on: Tensor3D;
  /** -log(1 - p) for the binary kind, otherwise null. */
  off: Tensor3D | null;
}

function surprise(scaled: Tensor3D, activation: PassActivation, { kind }: EntropyTerm): Surprise {
  if (kind === 'categorical') {
    if (activation === 'none') return { on: tf.neg(logOf(scaled)), off: null };
    return { on: bounded(tf.neg(logSoftmaxAlong(scaled, 2))), off: null };
  }
  if (activation === 'none') return { on: tf.neg(logOf(scaled)), off: tf.neg(logOf(oneMinus(scaled))) };
  return { on: bounded(softplus(scaled, -1)), off: bounded(softplus(scaled, 1)) };
}

/**
 * min(surprise, its upper bound). tf.clipByValue would hide a network that has diverged, because on the wasm backend it
 * replaces NaN by a bound.
 */
function bounded(surprise: Tensor3D): Tensor3D {
  // The gradient of tf.minimum cannot be differentiated again.
  const within = (x: Tensor3D) => constant(() => toFloat(tf.lessEqual(x, largestSurprise())));
  return withGradient(
    surprise,
    (x) => ({ value: tf.minimum<Tensor3D>(x, largestSurprise()), saved: [x] }),
    (dy, [x]) => tf.mul(dy, within(x)),
  );
}

function positive(x: Tensor3D, { posWeight }: EntropyTerm): Tensor3D {
  return posWeight ? tf.mul(x, tf.tensor3d([...posWeight], [1, 1, posWeight.length])) : x;
}

/** The entropy term of every pixel and class. */
export function entropyTerm({ labels, scaled }: Pixels, { activation, entropy }: PassAttributes): Tensor3D {
  const t = smoothed(labels, entropy);
  const { on, off } = surprise(scaled, activation, entropy);
  const onTerm: Tensor3D = tf.mul(t, on);
  const cross = off ? tf.add<Tensor3D>(positive(onTerm, entropy), tf.mul(oneMinus(t), off)) : onTerm;
  if (!entropy.subtractEntropy) return cross;
  const onEntropy: Tensor3D = tf.mul(t, logOf(t));
  return tf.add(cross, off ? tf.add<Tensor3D>(onEntropy, tf.mul(oneMinus(t), logOf(oneMinus(t)))) : onEntropy);
}

/** The gradient of Σ upstream·entropyTerm with respect to the predictions; upstream broadcasts against [N,P,C]. */
export function entropyTermPredictionsGradient(
  { labels, scaled }: Pixels,
  p: Tensor3D,
  { activation, sharpness, entropy }: PassAttributes,
  upstream: Tensor3D,
): Tensor3D {
  const t = smoothed(labels, entropy);
  if (entropy.kind === 'categorical') {
    const pull = tf.mul(t, upstream) as Tensor3D;
    if (activation === 'none') return tf.neg(tf.mul(pull, inverseOf(scaled)));
    return scaleBy(tf.sub(tf.mul(p, tf.sum(pull, 2, true)), pull), sharpness);
  }
  if (activation === 'none') {
    const on = positive(tf.mul(t, inverseOf(scaled)), entropy);
    return tf.mul(tf.sub(tf.mul(oneMinus(t), inverseOf(oneMinus(scaled))), on), upstream);
  }
  const on = positive(tf.mul(t, scaledSigmoid(scaled, -1)), entropy);
  return scaleBy(tf.mul(tf.sub(tf.mul(oneMinus(t), p), on), upstream), sharpness);
}

/** The gradient of Σ upstream·entropyTerm with respect to the labels. */
export function entropyTermLabelsGradient(
  { labels, scaled }: Pixels,
  { activation, entropy }: PassAttributes,
  upstream: Tensor3D,
): Tensor3D {
  const { on, off } = surprise(scaled, activation, entropy);
  let slope = off ? tf.sub(positive(on, entropy), off) : on;
  if (entropy.subtractEntropy) {
    const t = smoothed(labels, entropy);
    slope = tf.add(slope, off ? tf.sub(logOf(t), logOf(oneMinus(t))) : tf.add(logOf(t), 1));
  }
  return scaleBy(tf.mul(slope, upstream), 1 - entropy.labelSmoothing);
}
