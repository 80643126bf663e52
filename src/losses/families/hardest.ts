import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { constant } from '../../ops/constant.js';
import { ratio } from '../../ops/ratio.js';
import { sumPixels } from '../../ops/sumPixels.js';

/** The hardness given to pixels that do not count. */
const NEVER = -3e38;
/** A product in float32 may exceed the whole number that it stands for by this share, so it is lowered before ceil. */
const ROUNDING = 3e-7;

/**
 * 1 for the hardest pixels of each sample and 0 for the others, [N,P], without a gradient. They are ceil(fraction·V) of
 * the V pixels that count, and at least one. `map` holds the values of pixels times their weights.
 */
export function hardestPixels(map: Tensor2D, weights: Tensor3D | null, fraction: number): Tensor2D {
  const [samples, pixels] = map.shape;
  return constant(() => {
    const most = Math.max(1, Math.ceil(fraction * pixels * (1 - 1e-12)));
    const { indices } = tf.topk(hardness(map, weights), most);
    const firstOfSample = tf.tensor2d(
      Array.from({ length: samples }, (_, n) => n * pixels),
      [samples, 1],
      'int32',
    );
    const places = tf.reshape(tf.add(indices, firstOfSample), [samples * most, 1]);
    const chosen = tf.reshape(amongFirst(weights, fraction, samples, most), [samples * most]);
    return tf.reshape<tf.Rank.R2>(tf.scatterND(places, chosen, [samples * pixels]), [samples, pixels]);
  });
}

/** The value of each pixel without its weight. NaN counts as hardest, so that it shows in the loss. */
function hardness(map: Tensor2D, weights: Tensor3D | null): Tensor2D {
  const shown = (x: Tensor2D) => tf.where(tf.isNaN(x), tf.fill(x.shape, -NEVER), x) as Tensor2D;
  if (!weights) return shown(map);
  const w = tf.reshape(weights, map.shape) as Tensor2D;
  const counts = tf.greater(w, 0);
  const value = ratio<Tensor2D>(map, tf.where(counts, w, tf.onesLike(w)));
  return tf.where(counts, shown(value), tf.fill(map.shape, NEVER)) as Tensor2D;
}

/** 1 for the first ceil(fraction·V) of each sample's `most` hardest pixels: [N,most]. */
function amongFirst(weights: Tensor3D | null, fraction: number, samples: number, most: number): Tensor2D {
  if (!weights) return tf.ones([samples, most]);
  const count = sumPixels(tf.step(weights));
  const wanted = tf.maximum(tf.ceil(tf.mul(count, fraction * (1 - ROUNDING))), 1);
  const ranks = tf.reshape(tf.range(0, most), [1, most]);
  return tf.step(tf.sub(wanted, ranks)) as Tensor2D;
}
