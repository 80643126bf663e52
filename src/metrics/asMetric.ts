import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { fail, show } from '../checks.js';

/** A function for `metrics: [...]` in `model.compile`. */
export type Metric = (labels: Tensor, predictions: Tensor) => Tensor;

/**
 * Makes a metric for `metrics: [...]` in `model.compile` from a score with options, under a name of its own.
 * tfjs-layers takes a metric's name from the function, which minification would change; this name stays. A score passed
 * directly, as in `metrics: [iouScore]`, runs with its default options.
 *
 * tfjs-layers reports the mean over batches, which for most scores is not the score of the data set. `validationScores`
 * computes that.
 *
 * @param name the name in the logs
 * @param score a function whose result is a scalar
 * @throws if name is not a string or is empty, or if score is not a function
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 3 })] });
 * const hardIou = asMetric('hardIou', (labels, logits) => iouScore(labels, logits, { hard: true }));
 * model.compile({ optimizer: 'sgd', loss: iouLoss, metrics: [hardIou, brierScore] });
 * model.metricsNames; // loss, hardIou, brierScore
 * ```
 */
export function asMetric(name: string, score: Metric): Metric {
  return inFunction('asMetric', () => {
    if (typeof name !== 'string' || name === '') fail(`name must be a string, got ${show(name)}`);
    if (typeof score !== 'function') fail(`score must be a function, got ${show(score)}`);
    const metric: Metric = (labels, predictions) => score(labels, predictions);
    return Object.defineProperty(metric, 'name', { value: name });
  });
}
