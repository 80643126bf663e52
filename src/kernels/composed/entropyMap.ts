import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { PassAttributes } from '../contract.js';
import type { Pass } from './pass.js';
import { pixels, probabilities, weigh } from './pixels.js';
import { term, termLabelsGradient, termPredictionsGradient } from './term.js';

/** The pass that computes the cross-entropy of each pixel, [N,P]. */
export function entropyMapPass(attributes: PassAttributes, coefficients: readonly number[]): Pass<Tensor2D> {
  return {
    value: (inputs) => {
      const all = pixels(inputs, attributes);
      const p = probabilities(all.scaled, attributes.activation);
      const terms = tf.mul(term(all, p, attributes), perClass(coefficients));
      return tf.squeeze(weigh(tf.sum(terms, 2, true), all.weights), [2]);
    },
    gradient: (inputs, dy, wrt) => {
      const all = pixels(inputs, attributes);
      const perTerm = upstream(dy, coefficients);
      const p = probabilities(all.scaled, attributes.activation);
      const gradient = wrt === 'labels' ? termLabelsGradient : termPredictionsGradient;
      return weigh(gradient(all, p, attributes, perTerm), all.weights);
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
