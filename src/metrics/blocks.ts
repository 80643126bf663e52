/**
 * Blocks of pixels that are small enough to be counted exactly on the backend. The sums of a sample's blocks are then
 * added up in float64.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { layoutOf, toLabelPixels, toPixels } from '../kernels/layout.js';
import { halfFloats } from '../ops/halfFloats.js';
import type { LossInputs } from '../overlap/inputs.js';

/** The largest numbers up to which float16 and float32 have every whole number. */
const [EXACT_IN_HALF_FLOATS, EXACT_IN_FLOATS] = [2 ** 11, 2 ** 24];

/**
 * Makes each block a sample of its own, in the order of the samples and their pixels, if samples have more pixels than
 * the backend counts exactly. Call it inside tf.tidy.
 */
export function inBlocks(inputs: LossInputs): LossInputs {
  const { layout, labels, labelKind, predictions, weights } = inputs;
  const { samples, pixels, classes } = layout;
  const size = halfFloats() ? EXACT_IN_HALF_FLOATS : EXACT_IN_FLOATS;
  if (pixels <= size) return inputs;
  const blocks = Math.ceil(pixels / size);
  const padding = blocks * size - pixels;
  const cut = <T extends Tensor>(x: T): T => {
    const paddings = x.shape.map((_, i): [number, number] => [0, i === 1 ? padding : 0]);
    const whole = padding === 0 ? x : tf.pad(x, paddings);
    return tf.reshape(whole, [samples * blocks, size, ...x.shape.slice(2)]) as T;
  };
  // The padding has the weight 0.
  const weighed = padding === 0 ? weights : (weights ?? tf.ones([samples, pixels, 1]));
  return {
    ...inputs,
    predictions: cut(toPixels(predictions, layout)),
    labels: cut(toLabelPixels(labels, labelKind, layout)),
    weights: weighed && cut(weighed as Tensor3D),
    layout: layoutOf([samples * blocks, size, classes], 2),
  };
}

/** The sums of samples, from those of their blocks. */
export function sumsOfSamples(sums: Float64Array, samples: number, perSample: number): Float64Array {
  if (sums.length === samples * perSample) return sums;
  const totals = new Float64Array(samples * perSample);
  const blocks = sums.length / totals.length;
  sums.forEach((value, i) => {
    const sample = Math.floor(i / (perSample * blocks));
    totals[sample * perSample + (i % perSample)]! += value;
  });
  return totals;
}
