import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkOneOf, checkOptionNames } from '../checks.js';
import { lossOfSums } from '../overlap/lossOfSums.js';
import type { SumsFormula } from '../overlap/sumsFormula.js';
import { INPUT_OPTIONS, type InputOptions } from '../overlap/options.js';
import { resolveInputs } from '../overlap/inputs.js';
import { checkThreshold, hardInputs, takesLargest } from './harden.js';

export interface PixelAccuracyOptions<R extends 'mean' | 'sample' = 'mean' | 'sample'> extends InputOptions {
  /**
   * For classes that may overlap: the probability, in (0, 1), above which a class is predicted. Default 0.5. It is an
   * error under softmax. With activation `'none'` or a function, setting it means that classes may overlap.
   */
  threshold?: number;
  /** `'mean'` (default): a scalar, over all pixels that count; `'sample'`: `[N]`. */
  reduction?: R;
}

/**
 * Pixel accuracy: the share of pixels whose predicted class is the labelled one, Σ w [ĉ = c] / Σ w, among the pixels
 * that count. The predicted class ĉ is that of the largest logit, the labelled class c that of the largest label, the
 * first in a tie; a pixel without a label of any class counts as wrong. Classes that may overlap (sigmoid, one class,
 * or a `threshold`) are each predicted above the threshold and labelled above 0.5, and the mean is also taken over
 * classes.
 *
 * It takes logits, so it is the right accuracy for `metrics` in `model.compile`. The `'accuracy'` of tfjs is not: it
 * cuts the logits of one class at 0.5 instead of 0, needs one-hot labels for several classes, and counts ignored
 * pixels. `ConfusionMatrix` gives the accuracy over all pixels of a data set. If most pixels are background, an empty
 * prediction has a high accuracy, but a low `iouScore`.
 *
 * @param labels soft labels `[N, ...spatial, C]` in [0, 1], or int32 class indices `[N, ...spatial]`
 * @param predictions logits `[N, ...spatial, C]`
 * @returns a scalar, 1 if no pixel counts; `[N]` with reduction `'sample'`. Values lie in [0, 1]. It has no gradient
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 1, 1, 255]], [1, 4], 'int32'); // class indices of four pixels, the last of no class
 * const logits = tf.tensor([[[2, 0], [1, 0], [0, 2], [0, 3]]]); // shape [1, 4, 2]: the second pixel is wrong
 * pixelAccuracy(labels, logits, { ignoreLabel: 255 }); // 0.6667
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 3 })] });
 * model.compile({ optimizer: 'sgd', loss: crossEntropyLoss, metrics: [asMetric('accuracy', pixelAccuracy)] });
 * model.metricsNames; // loss, accuracy
 * ```
 */
export function pixelAccuracy<R extends 'mean' | 'sample' = 'mean'>(
  labels: Tensor,
  predictions: Tensor,
  options: PixelAccuracyOptions<R> = {},
): R extends 'sample' ? Tensor1D : Scalar {
  return inFunction('pixelAccuracy', () => {
    checkOptionNames(options, [...INPUT_OPTIONS, 'threshold', 'reduction']);
    const { threshold, reduction = 'mean' } = options;
    if (threshold !== undefined) checkThreshold(threshold);
    checkOneOf('reduction', reduction, ['mean', 'sample']);
    return tf.tidy(() => {
      const inputs = resolveInputs(labels, predictions, options, { hard: true });
      const formula = accuracyFormula(takesLargest(inputs, threshold), inputs.layout.classes, reduction);
      return lossOfSums(hardInputs(inputs, { hard: true, threshold }), formula);
    }) as R extends 'sample' ? Tensor1D : Scalar;
  });
}

/** The accuracy as a formula on sums, for predictions and labels of ones and zeros. */
function accuracyFormula(exclusive: boolean, classes: number, reduction: 'mean' | 'sample'): SumsFormula {
  return {
    sums: exclusive ? ['intersection', 'predicted'] : ['difference'],
    value(a, { intersection, predicted, difference, valid }) {
      const all = (perSample: typeof valid) => (reduction === 'mean' ? a.sumOfRows(perSample) : perSample);
      // Each pixel is predicted as exactly one class, so Σ over classes of `predicted` is Σ w, with the same rounding
      // as the numerator.
      if (exclusive) return a.divide(all(a.sumOfColumns(intersection)), all(a.sumOfColumns(predicted)), 1);
      return a.sub(1, a.divide(all(a.sumOfColumns(difference)), all(a.mul(valid, classes)), 0));
    },
    shape: (samples) => (reduction === 'sample' ? [samples] : []),
  };
}
