import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { surfaceDistances, type SurfaceDistances } from './surfaceDistances.js';
import { surfaceMasks, type SurfaceOptions } from './surfaceMasks.js';

/** The score of each sample and scored class: [N, classes]. */
export function surfaceScores(
  labels: Tensor,
  predictions: Tensor,
  options: SurfaceOptions,
  score: (distances: SurfaceDistances) => number,
): Tensor2D {
  return tf.tidy(() => {
    const { samples, classes, spatial, spacing, labelled, predicted } = surfaceMasks(labels, predictions, options);
    const scores = Array.from({ length: samples }, (_, n) =>
      classes.map((c) => score(surfaceDistances(labelled(n, c), predicted(n, c), spatial, spacing))),
    );
    return tf.tensor2d(scores.flat(), [samples, classes.length]);
  });
}
