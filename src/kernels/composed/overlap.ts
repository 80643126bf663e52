import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { PassAttributes, PassInputs, PassSum, SumName, SumSet } from '../contract.js';
import type { Pass } from './pass.js';
import { pixels, probabilities, throughActivation, weigh, type Pixels } from './pixels.js';
import { term, termLabelsGradient, termPredictionsGradient } from './term.js';
import { sign } from '../../ops/sign.js';
import { sumPixels } from '../../ops/sumPixels.js';
import { unstackSums } from '../../ops/unstackSums.js';

type Summand = (all: Pixels, p: Tensor3D, attributes: PassAttributes) => Tensor3D;

/** The summand of each sum for a pixel and class, without the pixel's weight. */
const summands: Record<SumName, Summand> = {
  intersection: ({ labels: t }, p) => tf.mul(p, t),
  predicted: (_, p) => p,
  labelled: ({ labels: t }) => t,
  difference: ({ labels: t }, p) => tf.abs(tf.sub(p, t)),
  minimum: ({ labels: t }, p) => tf.minimum(p, t),
  predictedSquared: (_, p) => tf.square(p),
  labelledSquared: ({ labels: t }) => tf.square(t),
  crossEntropy: term,
};

/** The slope of min(a, b) with respect to a: 1 where a is smaller, 1/2 where they are equal, else 0. */
const slopeOfMinimum = (a: Tensor3D, b: Tensor3D): Tensor3D => tf.mul(tf.sub(1, sign(tf.sub(a, b))), 0.5);

/** Gradients of the sums with respect to p, [N,P,C] or [N,1,C]; g [N,1,C] is the upstream gradient of the sum. */
const probabilitySlopes: Partial<Record<PassSum, (t: Tensor3D, p: Tensor3D, g: Tensor3D) => Tensor3D>> = {
  intersection: (t, _, g) => tf.mul(t, g),
  predicted: (_t, _p, g) => g,
  difference: (t, p, g) => tf.mul(sign(tf.sub(p, t)), g),
  minimum: (t, p, g) => tf.mul(slopeOfMinimum(p, t), g),
  predictedSquared: (_, p, g) => tf.mul(p, tf.mul(g, 2)),
};

/** Gradients of the sums with respect to t, in the same form. */
const labelSlopes: Partial<Record<PassSum, (t: Tensor3D, p: Tensor3D, g: Tensor3D) => Tensor3D>> = {
  intersection: (_, p, g) => tf.mul(p, g),
  labelled: (_t, _p, g) => g,
  difference: (t, p, g) => tf.mul(sign(tf.sub(t, p)), g),
  minimum: (t, p, g) => tf.mul(slopeOfMinimum(t, p), g),
  labelledSquared: (t, _, g) => tf.mul(t, tf.mul(g, 2)),
};

/** The pass that computes the sums [S,N,C]. */
export function overlapPass(attributes: PassAttributes, names: SumSet): Pass<Tensor3D> {
  return {
    value: (inputs) => sums(inputs, attributes, names),
    gradient: (inputs, dy, wrt) => {
      const upstream = perSum(names, dy);
      return wrt === 'labels'
        ? labelsGradient(inputs, attributes, upstream)
        : predictionsGradient(inputs, attributes, upstream);
    },
  };
}

function sums(inputs: PassInputs, attributes: PassAttributes, names: SumSet): Tensor3D {
  const all = pixels(inputs, attributes);
  const p = probabilities(all.scaled, attributes.activation);
  return tf.stack(
    names.map((name) =>
      tf.tidy(() => {
        if (name === 'valid') return valid(inputs);
        return sumPixels(weigh(summands[name](all, p, attributes), all.weights));
      }),
    ),
  ) as Tensor3D;
}

/** Σ w of each sample, repeated for each class: [N,C]. */
function valid({ weights, layout: { samples, pixels, classes } }: PassInputs): Tensor2D {
  if (!weights) return tf.fill([samples, classes], pixels);
  return tf.add(sumPixels(weights), tf.zeros([samples, classes]));
}

type Upstream = ReadonlyMap<PassSum, Tensor3D>;

function predictionsGradient(inputs: PassInputs, attributes: PassAttributes, upstream: Upstream): Tensor3D {
  const all = pixels(inputs, attributes);
  const p = probabilities(all.scaled, attributes.activation);
  const dp = addSlopes(probabilitySlopes, upstream, all.labels, p);
  const parts = dp ? [throughActivation(dp, p, all.scaled, attributes)] : [];
  const entropy = upstream.get('crossEntropy');
  if (entropy) parts.push(termPredictionsGradient(all, p, attributes, entropy));
  return total(parts, p, all.weights);
}

function labelsGradient(inputs: PassInputs, attributes: PassAttributes, upstream: Upstream): Tensor3D {
  const all = pixels(inputs, attributes);
  const p = probabilities(all.scaled, attributes.activation);
  const dt = addSlopes(labelSlopes, upstream, all.labels, p);
  const parts = dt ? [dt] : [];
  const entropy = upstream.get('crossEntropy');
  if (entropy) parts.push(termLabelsGradient(all, p, attributes, entropy));
  return total(parts, p, all.weights);
}

/** Splits dy [S,N,C] into one [N,1,C] for each sum. */
function perSum(names: SumSet, dy: Tensor3D): Map<PassSum, Tensor3D> {
  return new Map(unstackSums(dy).map((g, i) => [names[i]!, tf.expandDims(g, 1)]));
}

function addSlopes(slopes: typeof probabilitySlopes, upstream: Upstream, t: Tensor3D, p: Tensor3D): Tensor3D | null {
  return [...upstream].reduce<Tensor3D | null>((sum, [name, g]) => {
    const slope = slopes[name]?.(t, p, g);
    if (!slope) return sum;
    return sum ? tf.add(sum, slope) : slope;
  }, null);
}

function total(parts: Tensor3D[], like: Tensor3D, weights: Tensor3D | null): Tensor3D {
  const [first = tf.zerosLike(like), second] = parts;
  // A gradient that is the same for all pixels is still [N,1,C]. Adding zeros is faster than tf.broadcastTo.
  const spread = second ?? (first.shape[1] === like.shape[1] ? null : tf.zerosLike(like));
  return weigh(spread ? tf.add(first, spread) : first, weights);
}
