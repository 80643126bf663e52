import * as tf from '@tensorflow/tfjs-core';
import type { DataType, Tensor, TypedArray } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkBoolean, checkInteger, checkOptionNames, fail, show } from '../../checks.js';
import { MONITOR_OPTIONS, resolveMonitor, type MonitorOptions } from './monitor.js';

export interface EarlyStoppingOptions extends MonitorOptions {
  /** How many epochs without improvement stop the training. Default 0, which does what 1 does, as in tfjs. */
  patience?: number;
  /** Whether the model has its best weights at the end of training. Default true. */
  restoreBest?: boolean;
}

/** What early stopping needs of a model of tfjs-layers. */
export interface StoppableModel {
  stopTraining: boolean;
  getWeights(): Tensor[];
  setWeights(weights: Tensor[]): void;
}

/** A callback for `model.fit` and `model.fitDataset`. */
export interface EarlyStopping {
  /** The best value so far; undefined before the first. */
  readonly best: number | undefined;
  /** The epoch of the best value; undefined before the first, and if it was handed in. */
  readonly bestEpoch: number | undefined;
  /** Whether it has stopped the training. */
  readonly stopped: boolean;
  onTrainBegin(): void;
  onEpochEnd(epoch: number, logs?: Record<string, number>): Promise<void>;
  onTrainEnd(): void;
}

/**
 * Stops a training that no longer improves, and gives the model its best weights back (which tfjs's own
 * `tf.callbacks.earlyStopping` cannot). Like that, it starts anew with each training.
 *
 * A value of NaN is no improvement: training that diverged stops once patience is over, and the weights are those from before.
 * At each improvement the weights are read back (asynchronously) and kept in plain memory, not on the backend: tfjs-layers
 * tells no callback when training throws, so tensors would be left over. After a training that threw, or was stopped by
 * something else, `onTrainEnd()` gives the best weights back; in a loop of your own call it at the end, `onEpochEnd` after
 * each epoch, and look at `stopped`.
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
      // On the cpu backend data() gives the very memory of the weight.
      return { data: (await weight.data()).slice(), shape, dtype };
    }),
  );
}
