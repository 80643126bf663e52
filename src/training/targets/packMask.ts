import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkAxis, checkDtype, checkOptionNames, checkTensor, fail, show, showShape } from '../../checks.js';
import { sameShape } from '../../kernels/layout.js';
import { checkLabels, join, type PackOptions } from './packedLoss.js';

/**
 * Packs labels and a mask into one tensor for `model.fit`: the mask becomes one more channel, after the last. A loss
 * wrapped in `withMask` takes them apart. `model.fit` accepts such targets after `acceptAnyTargets`; `fitDataset`
 * accepts targets of any shape.
 *
 * If the mask only leaves pixels out, this is not needed: give these pixels the label -1, and the loss the option
 * `ignoreLabel: -1`.
 *
 * @param labels soft labels `[N, ...spatial, C]`, or int32 class indices `[N, ...spatial]` or `[N, ...spatial, 1]`
 * @param mask weights of the pixels, `[N, ...spatial]`: bool, int32 or float32
 * @returns `[N, ...spatial, C + 1]`, or for indices `[N, ...spatial, 2]`; float32, or int32 if neither argument is
 * float32
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 2, 1]], [1, 3], 'int32');
 * packMask(labels, tf.tensor([[1, 0.5, 0]])); // [[[0, 1], [2, 0.5], [1, 0]]]
 * packMask(tf.ones([2, 8, 8, 3]), tf.ones([2, 8, 8])); // shape [2, 8, 8, 4]
 * packMask(tf.ones([2, 3, 8, 8]), tf.ones([2, 8, 8]), { axis: 1 }); // shape [2, 4, 8, 8]
 * ```
 */
export function packMask(labels: Tensor, mask: Tensor, options: PackOptions = {}): Tensor {
  return inFunction('packMask', () => {
    checkOptionNames(options, ['axis']);
    checkLabels(labels);
    checkTensor('mask', mask);
    checkDtype('mask', mask, ['bool', 'int32', 'float32']);
    const perPixel = sameShape(labels.shape, mask.shape);
    if (perPixel && labels.dtype !== 'int32') {
      fail(`class indices must be int32, got ${show(labels)} with a mask of the same shape`);
    }
    const axis = checkAxis(options.axis ?? -1, perPixel ? [...labels.shape, 1] : labels.shape, 'axis', 1);
    const without = labels.shape.filter((_, i) => i !== axis);
    if (!perPixel && !sameShape(without, mask.shape)) {
      const expected = [...(labels.dtype === 'int32' ? [labels.shape] : []), without].map(showShape).join(' or ');
      fail(`mask must be ${expected} for labels ${showShape(labels.shape)}, got ${showShape(mask.shape)}`);
    }
    return tf.tidy(() => {
      const channels = perPixel ? tf.expandDims(labels, axis) : labels;
      return join(channels, tf.expandDims(mask, axis), axis);
    });
  });
}
