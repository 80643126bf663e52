import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkAxis, checkDtype, checkOptionNames, checkTensor, fail, showShape } from '../../checks.js';
import { checkTensorValues } from '../../checkValues.js';
import { checkLabels, join, type PackOptions } from './packedLoss.js';

/**
 * Packs labels and a weight for each sample into one tensor for `model.fit`: the weights become one more channel, after
 * the last. Packing is needed because tfjs-layers 4.22 does not implement its option `sampleWeight`. A loss wrapped in
 * `withSampleWeights` takes them apart. `model.fit` accepts such targets after `acceptAnyTargets`; `fitDataset` accepts
 * targets of any shape.
 *
 * The weight of a sample is repeated for each of its pixels, so it costs the memory of a whole channel.
 *
 * @param labels soft labels `[N, ...spatial, C]`, or int32 class indices `[N, ...spatial]`
 * @param weights `[N]`, float32 or int32
 * @returns `[N, ...spatial, C + 1]`, or for int32 labels of any shape `[...labels, 2]`; float32, or int32 if neither
 * argument is float32
 * @throws if shapes, dtypes or options do not fit
 *
 * @example
 * ```ts
 * const labels = tf.tensor([[0, 2], [1, 1]], [2, 2], 'int32');
 * packSampleWeights(labels, tf.tensor([1, 0.5])); // [[[0, 1], [2, 1]], [[1, 0.5], [1, 0.5]]]
 * packSampleWeights(tf.ones([2, 8, 8, 3]), tf.tensor([1, 0.5])); // shape [2, 8, 8, 4]
 * ```
 */
export function packSampleWeights(labels: Tensor, weights: Tensor1D | Tensor, options: PackOptions = {}): Tensor {
  return inFunction('packSampleWeights', () => {
    checkOptionNames(options, ['axis']);
    checkLabels(labels);
    checkTensor('weights', weights);
    checkDtype('weights', weights, ['float32', 'int32']);
    if (labels.rank < 2 && labels.dtype !== 'int32') {
      fail(`labels must be [N, ...spatial, C], got shape ${showShape(labels.shape)}`);
    }
    const samples = labels.shape[0];
    if (weights.rank !== 1 || weights.shape[0] !== samples) {
      fail(`weights must be [${samples}] for labels ${showShape(labels.shape)}, got ${showShape(weights.shape)}`);
    }
    checkTensorValues(`${labels.rank}`, { weights }, (values) => {
      const bad = values.weights.find((weight) => !(weight >= 0 && weight < Infinity));
      if (bad !== undefined) fail(`weights must be finite numbers >= 0, got ${bad}`);
    });
    return tf.tidy(() => {
      // Only predictions could tell whether int32 labels have a class axis, so such labels always get an additional
      // axis.
      const stacked = labels.dtype === 'int32';
      const shape = stacked ? [...labels.shape, 1] : labels.shape;
      const axis = checkAxis(options.axis ?? -1, shape, 'axis', 1);
      const channels = stacked ? tf.expandDims(labels, axis) : labels;
      const ones = tf.ones(
        channels.shape.map((size, i) => (i === axis ? 1 : size)),
        weights.dtype,
      );
      return join(channels, tf.mul(ones, tf.reshape(weights, [samples!, ...shape.slice(1).map(() => 1)])), axis);
    });
  });
}
