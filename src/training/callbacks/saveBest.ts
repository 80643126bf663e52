import { inFunction } from '../../argumentError.js';
import { checkOptionNames, fail, show } from '../../checks.js';
import { MONITOR_OPTIONS, resolveMonitor, type MonitorOptions } from './monitor.js';

/** Information about the model to save. */
export interface SaveBestInfo {
  epoch: number;
  /** The monitored value. */
  value: number;
  /** The logs of the epoch. */
  logs: Readonly<Record<string, number>>;
}

export interface SaveBestOptions<M> extends MonitorOptions {
  /** Saves the model; training waits for it. Required. */
  save?: (model: M, info: SaveBestInfo) => unknown;
}

/** A callback for `model.fit` and `model.fitDataset`. */
export interface SaveBest {
  /** The monitored value of the model saved last, or the option `best`; undefined before either. */
  readonly best: number | undefined;
  onEpochEnd(epoch: number, logs?: Record<string, number>): Promise<void>;
}

/**
 * Saves the model after each epoch that is better than all epochs before, including those of an earlier call of `fit`
 * with the same callback. NaN is never better. In a resumed run, pass the value of the model saved already as `best`,
 * so that it is not overwritten by a worse one. If `save` throws, training throws, and the value does not count.
 *
 * @param model the model, passed to `save`
 * @param options `save`, and the value to monitor
 * @throws if options do not fit; in training, if the logs lack the monitored value
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [5, 4], units: 3 })] });
 * model.compile({ optimizer: 'sgd', loss: iouLoss });
 * const saved: number[] = [];
 * const checkpoint = saveBest(model, { monitor: 'loss', save: async (model, { value }) => void saved.push(value) });
 * const [xs, ys] = [tf.randomNormal([8, 5, 4]), tf.softmax(tf.randomNormal([8, 5, 3]))];
 * await model.fit(xs, ys, { epochs: 3, verbose: 0, callbacks: checkpoint });
 * checkpoint.best; // = saved.at(-1)
 * ```
 */
export function saveBest<M>(model: M, options: SaveBestOptions<NoInfer<M>>): SaveBest {
  return inFunction('saveBest', () => {
    checkOptionNames(options, [...MONITOR_OPTIONS, 'save']);
    const { save, ...monitored } = options;
    if (typeof save !== 'function') fail(`save must be a function that saves the model, got ${show(save)}`);
    const monitor = resolveMonitor(monitored);
    let { best } = monitored;
    return {
      get best() {
        return best;
      },
      async onEpochEnd(epoch, logs) {
        const value = monitor.read(logs);
        if (!monitor.better(value, best)) return;
        await save(model, { epoch, value, logs: { ...logs } });
        best = value;
      },
    };
  });
}
