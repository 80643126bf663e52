/** Losses as users write them. */
import * as tf from '@tensorflow/tfjs-core';
import { defineLoss, defineRegionLoss, type Reduction, type RegionOptions } from '../../src/index.js';

/** 1 - (share·I/P + (1 - share)·I/T): a mix of precision and recall. */
export const agreementLoss = defineRegionLoss<RegionOptions & { share?: number }>({
  name: 'agreementLoss',
  options: { share: { kind: 'number', default: 0.5, least: 0, most: 1 } },
  value(a, { intersection, predicted, labelled }, { share }) {
    const [precision, recall] = [a.divide(intersection, predicted, 1), a.divide(intersection, labelled, 1)];
    return a.sub(1, a.add(a.mul(precision, share), a.mul(recall, 1 - share)));
  },
});

/** The mean of abs(t - p)^power over all pixels; with reduction 'sample', the mean of each sample. */
export const distanceLoss = defineLoss<{ power?: number; reduction?: Reduction }>({
  name: 'distanceLoss',
  options: {
    power: { kind: 'number', default: 2, least: 0 },
    reduction: { kind: 'choice', default: 'mean', values: ['mean', 'sum', 'none', 'sample'] },
  },
  loss(labels, predictions, { power = 2, reduction }) {
    const errors = tf.pow(tf.abs(tf.sub(labels, tf.softmax(predictions))), power);
    return reduction === 'sample' ? tf.mean(tf.reshape(errors, [labels.shape[0], -1]), 1) : tf.mean(errors);
  },
});
