import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOptionNames } from '../checks.js';
import { ratioOr } from '../ops/ratio.js';
import { resolveInputs } from '../overlap/inputs.js';
import {
  CALIBRATION_OPTIONS,
  calibrationColumns,
  calibrationSums,
  checkCalibration,
  SUMS_PER_BIN,
  type CalibrationOptions,
} from './calibration.js';

export type ExpectedCalibrationErrorOptions = CalibrationOptions;

/**
 * Expected calibration error: pixels are sorted into bins by their confidence, and the error is the mean over pixels of
 * abs(mean confidence - mean label) of the pixel's bin. On hard labels the mean label is the accuracy (or, per class,
 * the frequency); on soft labels it is the value that the confidence should have had. Lower is better. It has no
 * gradient.
 *
 * With `confidence: 'top'`, the confidence of a pixel is its largest probability, and its label is that of the same
 * class. With `'class'`, each class has its own confidence, its probability, and its own label, and the error is the
 * mean over classes.
 *
 * The error of a data set is not the mean over its batches. Use `CalibrationError`, which adds up the bins.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar in [0, 1], 0 if no pixel counts
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[[1], [0], [0.4]]]);
 * const probabilities = tf.tensor([[[0.6], [0.6], [0.1]]]);
 * // Bin 3: 0.6 against (1 + 0)/2. Bin 0: 0.1 against 0.4.
 * expectedCalibrationError(labels, probabilities, { activation: 'none', bins: 5 }); // 0.1667
 * ```
 *
 * @see Guo et al., On calibration of modern neural networks, ICML 2017, arXiv 1706.04599; per class: Nixon et al.,
 * Measuring calibration in deep learning, arXiv 1904.01685
 */
export function expectedCalibrationError(
  labels: Tensor,
  predictions: Tensor,
  options: ExpectedCalibrationErrorOptions = {},
): Scalar {
  return inFunction('expectedCalibrationError', () => {
    checkOptionNames(options, CALIBRATION_OPTIONS);
    checkCalibration(options);
    const { bins = 15 } = options;
    return tf.tidy(() => {
      const inputs = resolveInputs(labels, predictions, options);
      const columns = calibrationColumns(options, inputs.activation, inputs.layout.classes);
      const sums = tf.sum(calibrationSums(inputs, columns, bins), 0);
      const table: Tensor3D = tf.reshape(sums, [columns?.length ?? 1, bins, SUMS_PER_BIN]);
      const sumOf = (i: number) => tf.slice3d(table, [0, 0, i], [-1, -1, 1]);
      const off = tf.sum(tf.abs(tf.sub(sumOf(0), sumOf(1))), 1);
      const weight = tf.sum(sumOf(2), 1);
      return tf.mean(ratioOr(off, weight, 0));
    });
  });
}
