import { inAsyncFunction, inFunction } from '../argumentError.js';
import { checkOptionNames, fail, show } from '../checks.js';
import {
  checkEvaluation,
  evaluate,
  type Accumulators,
  type EvaluateScoresOptions,
  type Predictor,
  type ScoredDataset,
  type ScoredTensors,
} from './evaluateScores.js';

export interface ValidationScoresOptions extends EvaluateScoresOptions {
  /** The prefix of the names in the logs. Default `'val_'`. */
  prefix?: string;
}

/** A callback for `model.fit` and `model.fitDataset`. */
export interface ValidationCallback {
  onEpochEnd(epoch: number, logs?: Record<string, number>): Promise<void>;
}

/**
 * A callback for `model.fit` that scores a validation set after each epoch and adds the results to the logs, and so to
 * the history: an accumulator named iou becomes `val_iou`. Each score is that of the whole set, not a mean over
 * batches.
 *
 * To use a score with a callback of tfjs, such as early stopping, wrap this one in tf.CustomCallback, so that it mixes
 * with the callbacks of tfjs, and put it before the one that reads the score: `callbacks: [new
 * tf.CustomCallback(validationScores(...)), tf.callbacks.earlyStopping({ monitor: 'val_iou', ... })]`.
 *
 * @param model the model that is trained
 * @param data `{ xs, ys }` or `{ xs, ys, mask }` with all samples, or a `tf.data.Dataset` of batches of that form
 * @param accumulators the accumulators, by name; after training they hold what they saw in the last epoch
 * @throws if data, accumulators or options do not fit
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [5, 4], units: 3 })] });
 * model.compile({ optimizer: 'sgd', loss: iouLoss });
 * const xs = tf.randomNormal([8, 5, 4]);
 * const ys = tf.softmax(tf.randomNormal([8, 5, 3]));
 * const scores = validationScores(model, { xs, ys }, { iou: new MeanIou(), calibration: new CalibrationError() });
 * const { history } = await model.fit(xs, ys, { epochs: 2, verbose: 0, callbacks: scores });
 * history['val_iou'].length; // 2
 * ```
 */
export function validationScores(
  model: Predictor,
  data: ScoredTensors | ScoredDataset,
  accumulators: Accumulators,
  options: ValidationScoresOptions = {},
): ValidationCallback {
  const fn = 'validationScores';
  return inFunction(fn, () => {
    checkOptionNames(options, ['batchSize', 'prefix']);
    const { prefix = 'val_', ...evaluation } = options;
    if (typeof prefix !== 'string') fail(`prefix must be a string, got ${show(prefix)}`);
    checkEvaluation(model, data, accumulators, evaluation);
    return {
      onEpochEnd(_epoch, logs = {}) {
        return inAsyncFunction(fn, async () => {
          const results = await evaluate(model, data, accumulators, evaluation);
          for (const [name, value] of Object.entries(results)) logs[prefix + name] = value;
        });
      },
    };
  });
}
