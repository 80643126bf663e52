import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { PassAttributes } from '../contract.js';
import type { Pass } from './pass.js';
import {
  entropyTerm,
  entropyTermLabelsGradient,
  entropyTermPredictionsGradient,
  pixels,
  probabilities,
  weigh,
} from './pixels.js';

/** The pass that computes the cross-entropy of each pixel, [N,P]. */
export function entropyMapPass(attributes: PassAttributes, coefficients: readonly number[]): Pass<Tensor2D> {
  return {
    value: (inputs) => {
      const all = pixels(inputs, attributes);
      const term = tf.mul(entropyTerm(all, attributes), perClass(coefficients));
      return tf.squeeze(weigh(tf.sum(term, 2, true), all.weights), [2]);
    },
    gradient: (inputs, dy, wrt) => {
      const all = pixels(inputs, attributes);
      const perTerm = upstream(dy, coefficients);
      if (wrt === 'labels') return weigh(entropyTermLabelsGradient(all, attributes, perTerm), all.weights);
      const p = probabilities(all.scaled, attributes.activation);
      return weigh(entropyTermPredictionsGradient(all, p, attributes, perTerm), all.weights);
    },
  };
}

/** The gradient [N,P,C] of the entropy terms, from that of the map [N,P] and the coefficients of the classes. */
function upstream(dy: Tensor2D, coefficients: readonly number[]): Tensor3D {
  return tf.mul(tf.expandDims(dy, 2), perClass(coefficients));
}

function perClass(coefficients: readonly number[]): Tensor3D {
  return tf.tensor3d([...coefficients], [1, 1, coefficients.length]);
}
