import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { EntropyMapKernel, PassAttributes, PassInputs } from '../contract.js';
import {
  entropyTerm,
  entropyTermLabelsGradient,
  entropyTermPredictionsGradient,
  pixels,
  probabilities,
  weigh,
} from './pixels.js';

function map(inputs: PassInputs, attributes: PassAttributes, coefficients: readonly number[]): Tensor2D {
  const all = pixels(inputs, attributes);
  const term = tf.mul(entropyTerm(all, attributes), perClass(coefficients));
  return tf.squeeze(weigh(tf.sum(term, 2, true), all.weights), [2]);
}

function predictionsGradient(
  inputs: PassInputs,
  attributes: PassAttributes,
  coefficients: readonly number[],
  dy: Tensor2D,
): Tensor3D {
  const all = pixels(inputs, attributes);
  const p = probabilities(all.scaled, attributes.activation);
  return weigh(entropyTermPredictionsGradient(all, p, attributes, upstream(dy, coefficients)), all.weights);
}

function labelsGradient(
  inputs: PassInputs,
  attributes: PassAttributes,
  coefficients: readonly number[],
  dy: Tensor2D,
): Tensor3D {
  const all = pixels(inputs, attributes);
  return weigh(entropyTermLabelsGradient(all, attributes, upstream(dy, coefficients)), all.weights);
}

/** [N,P] and C coefficients to [N,P,C]. */
function upstream(dy: Tensor2D, coefficients: readonly number[]): Tensor3D {
  return tf.mul(tf.expandDims(dy, 2), perClass(coefficients));
}

function perClass(coefficients: readonly number[]): Tensor3D {
  return tf.tensor3d([...coefficients], [1, 1, coefficients.length]);
}

export const composedEntropyMap: EntropyMapKernel = { map, predictionsGradient, labelsGradient };
