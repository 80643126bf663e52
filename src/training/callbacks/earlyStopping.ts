import * as tf from '@tensorflow/tfjs-core';
import type { DataType, Tensor, TypedArray } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkBoolean, checkInteger, checkOptionNames, fail, show } from '../../checks.js';
import { MONITOR_OPTIONS, resolveMonitor, type MonitorOptions } from './monitor.js';

export interface EarlyStoppingOptions extends MonitorOptions {
  /**
   * The number of successive epochs without improvement after which training stops. Default 0, which, as in tfjs, is
   * the same as 1.
   */
  patience?: number;
  /** If true (default), the model gets its best weights back at the end of training. */
  restoreBest?: boolean;
}

/** The part of a model of tfjs-layers that early stopping uses. */
export interface StoppableModel {
  stopTraining: boolean;
  getWeights(): Tensor[];
  setWeights(weights: Tensor[]): void;
}

/** A callback for `model.fit` and `model.fitDataset`. */
export interface EarlyStopping {
  /** The best value so far; undefined before the first. */
  readonly best: number | undefined;
  /** The epoch of the best value; undefined before the first, and while the best value is the option `best`. */
  readonly bestEpoch: number | undefined;
  /** True if this callback has stopped the training. */
  readonly stopped: boolean;
  onTrainBegin(): void;
  onEpochEnd(epoch: number, logs?: Record<string, number>): Promise<void>;
  onTrainEnd(): void;
}

/**
 * Stops training when the model no longer improves, and then restores its best weights (which
 * `tf.callbacks.earlyStopping` of tfjs cannot). As with that callback, each call of `fit` starts anew.
 *
 * NaN is not an improvement: training that diverges stops after `patience` epochs, with the best weights from before.
 * At each improvement the weights are read back (asynchronously) and kept in plain memory, not as tensors, because
 * tfjs-layers does not notify callbacks when training throws, and tensors would leak. If training threw, call
 * `onTrainEnd()` to restore the best weights. In a loop of your own, call `onEpochEnd` after each epoch, check
 * `stopped`, and call `onTrainEnd` at the end.
 *
 * @param model the model that is trained
 * @throws if options do not fit; in training, if the logs lack the monitored value
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [5, 4], units: 3 })] });
 * model.compile({ optimizer: 'sgd', loss: iouLoss });
 * const [xs, ys] = [tf.randomNormal([8, 5, 4]), tf.softmax(tf.randomNormal([8, 5, 3]))];
 * const stopping = earlyStopping(model, { monitor: 'val_iou', mode: 'max', patience: 2 });
 * const scores = validationScores(model, { xs, ys }, { iou: new MeanIou() });
 * await model.fit(xs, ys, { epochs: 5, verbose: 0, callbacks: [scores, stopping] });
 * stopping.best; // = new MeanIou().update(ys, model.predict(xs)).result()
 * ```
 */
export function earlyStopping(model: StoppableModel, options: EarlyStoppingOptions = {}): EarlyStopping {
  return inFunction('earlyStopping', () => {
    checkOptionNames(options, [...MONITOR_OPTIONS, 'patience', 'restoreBest']);
    const { patience = 0, restoreBest = true, ...monitored } = options;
    checkInteger('patience', patience, 0);
    checkBoolean('restoreBest', restoreBest);
    const monitor = resolveMonitor(monitored);
    if (typeof model?.getWeights !== 'function' || typeof model.setWeights !== 'function') {
      fail(`model must be a model of tfjs-layers, got ${show(model)}`);
    }

    const start = () => ({
      best: monitored.best,
      bestEpoch: undefined as number | undefined,
      waited: 0,
      stopped: false,
    });
    let state = start();
    let kept: KeptWeight[] | undefined;
    return {
      get best() {
        return state.best;
      },
      get bestEpoch() {
        return state.bestEpoch;
      },
      get stopped() {
        return state.stopped;
      },
      onTrainBegin() {
        state = start();
        kept = undefined;
      },
      async onEpochEnd(epoch, logs) {
        const value = monitor.read(logs);
        if (monitor.better(value, state.best)) {
          if (restoreBest) kept = await keepWeights(model.getWeights());
          state = { best: value, bestEpoch: epoch, waited: 0, stopped: false };
          return;
        }
        state.waited++;
        if (state.waited < patience) return;
        state.stopped = true;
        model.stopTraining = true;
      },
      onTrainEnd() {
        if (kept) tf.tidy(() => model.setWeights(kept!.map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype))));
        kept = undefined;
      },
    };
  });
}

interface KeptWeight {
  data: TypedArray;
  shape: number[];
  dtype: DataType;
}

function keepWeights(weights: Tensor[]): Promise<KeptWeight[]> {
  return Promise.all(
    weights.map(async (weight) => {
      const { shape, dtype } = weight;
      // On the cpu backend data() returns the memory of the weight itself, not a copy.
      return { data: (await weight.data()).slice(), shape, dtype };
    }),
  );
}
