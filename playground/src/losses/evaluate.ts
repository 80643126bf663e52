/** Computes a loss of the painted label and prediction, with its gradient. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { entmax15, softLabelsFromMasks, softOneHot, softThreshold, sparsemax } from 'softseg';
import { activationOf, lossOf, paintedClasses } from './build.js';
import type { Spec } from './catalogue.js';
import { PIXELS, SIZE, type Masks } from './presets.js';

export interface Painting {
  masks: Masks;
  /** The painted probabilities. */
  prediction: Float32Array;
  /** True if the batch has a second image, without a label, and with EMPTY_P as its prediction everywhere. */
  withEmpty: boolean;
}

export interface Evaluation {
  value: number;
  /** The derivative by the logit of the structure (by its probability if the activation is none). */
  gradient: Float32Array;
  /** The prediction after the activation. */
  probabilities: Float32Array;
}

const EMPTY_P = 0.1;
/** Painted probabilities become logits of at most this size, so that 0 and 1 are finite. */
const LARGEST_LOGIT = 6;

export const shapeOf = (spec: Spec, { withEmpty }: Painting) => [withEmpty ? 2 : 1, SIZE, SIZE, paintedClasses(spec)];

/** The soft label, which is the mean over the annotators, [1, SIZE, SIZE, 1]. */
const softLabels = (masks: Masks): Tensor =>
  tf.tidy(() => {
    const values = new Float32Array(masks.length * PIXELS);
    masks.forEach((mask, i) => values.set(mask, i * PIXELS));
    return softLabelsFromMasks(tf.tensor(values, [masks.length, 1, SIZE, SIZE, 1]));
  });

/** Labels and predictions in the form that the loss takes. */
function inputs(spec: Spec, { masks, prediction, withEmpty }: Painting): { labels: Tensor; predictions: Tensor } {
  const image = [1, SIZE, SIZE, 1];
  let labels = softLabels(masks);
  let predictions: Tensor = tf.tensor(prediction, image);
  if (withEmpty) {
    labels = tf.concat([labels, tf.zeros(image)], 0);
    predictions = tf.concat([predictions, tf.fill(image, EMPTY_P)], 0);
  }
  if (activationOf(spec) !== 'none') {
    const p = tf.clipByValue(predictions, 1e-6, 1 - 1e-6);
    predictions = tf.clipByValue(tf.log(tf.div(p, tf.sub(1, p))), -LARGEST_LOGIT, LARGEST_LOGIT);
  }
  if (paintedClasses(spec) === 1) return { labels, predictions };
  return {
    labels: tf.concat([tf.sub(1, labels), labels], -1),
    predictions: tf.concat([tf.zerosLike(predictions), predictions], -1),
  };
}

const lastClass = (x: Tensor) => tf.slice(x, [0, 0, 0, x.shape[3]! - 1], [1, -1, -1, 1]);

function probabilitiesOf({ settings }: Spec, predictions: Tensor): Tensor {
  const sharpness = Number(settings['sharpness'] ?? 1);
  switch (settings['activation']) {
    case 'softmax':
      return softOneHot(predictions, { sharpness });
    case 'sparsemax':
      return sparsemax(predictions);
    case 'entmax15':
      return entmax15(predictions);
    case 'none':
      return predictions;
    default:
      return softThreshold(predictions, { sharpness });
  }
}

export function evaluate(spec: Spec, painting: Painting): Evaluation {
  return tf.tidy(() => {
    const { labels, predictions } = inputs(spec, painting);
    const loss = lossOf(spec, paintedClasses(spec));
    const { value, grad } = tf.valueAndGrad((z: Tensor) => loss(labels, z))(predictions);
    return {
      value: value.dataSync()[0]!,
      gradient: lastClass(grad).dataSync<'float32'>().slice(),
      probabilities: lastClass(probabilitiesOf(spec, predictions)).dataSync<'float32'>().slice(),
    };
  });
}
