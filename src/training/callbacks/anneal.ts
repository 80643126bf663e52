import type { Optimizer } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkOptionNames, entriesOf, fail, show } from '../../checks.js';
import type { Schedule } from '../../schedules/schedules.js';
import { scheduled, type ScheduledCallback } from './scheduled.js';

/** An object that can be annealed: a `namedLoss`, or anything else whose `set` takes numbers by name. */
export interface Annealable<V> {
  set(values: V): unknown;
}

export interface AnnealOptions {
  /** The argument of the schedules: the `'epoch'` (default), or the `'step'` of the optimizer. */
  by?: 'epoch' | 'step';
  /** With `by: 'step'`: the optimizer whose steps count, which is the one passed to `compile`, or `model.optimizer`. */
  optimizer?: Optimizer;
  /** The prefix of the names in the logs. Default `''`. */
  prefix?: string;
}

/**
 * A callback for `model.fit` and `model.fitDataset` that changes options of a loss along schedules (annealing). It adds
 * their values to the logs of batches and epochs, and so to the history. In a loop of your own, `at(step)` sets them.
 *
 * By epoch, the schedules are called with the epoch as tfjs-layers counts it, from `initialEpoch` on; by step, with
 * `optimizer.iterations`, which is saved with the optimizer. A resumed run therefore continues where the first one
 * stopped. Epochs count from 0: with `steps: epochs - 1` a schedule reaches its end in the last epoch.
 *
 * The start values are set at once, before training begins. After training, the last values stay. Use them for
 * prediction, too: a network that was trained at a sharpness of 8 has to be evaluated at 8.
 *
 * @param target a `namedLoss`, an object with `set(values)`, or a list of these, each of which gets the values
 * @param schedules the schedules, by the names of the options
 * @throws if the target has no such option, or options do not fit; in training, if a schedule does not return a finite
 * number
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [5, 4], units: 3 })] });
 * const loss = namedLoss('iouLoss', { aggregate: 'batch' });
 * model.compile({ optimizer: 'sgd', loss });
 * const annealing = anneal(loss, { sharpness: exponentialSchedule({ from: 1, to: 8, steps: 3 }) });
 * const [xs, ys] = [tf.randomNormal([8, 5, 4]), tf.softmax(tf.randomNormal([8, 5, 3]))];
 * const { history } = await model.fit(xs, ys, { epochs: 4, verbose: 0, callbacks: annealing });
 * history['sharpness']; // [1, 2, 4, 8]
 * annealing.at(1).sharpness; // 2
 * ```
 */
export function anneal<K extends string>(
  target: Annealable<NoInfer<Record<K, number>>> | readonly Annealable<NoInfer<Record<K, number>>>[],
  schedules: Record<K, Schedule>,
  options: AnnealOptions = {},
): ScheduledCallback<Record<K, number>> {
  return inFunction('anneal', () => {
    checkOptionNames(options, ['by', 'optimizer', 'prefix']);
    const { by = 'epoch', optimizer, prefix = '' } = options;
    if (typeof prefix !== 'string') fail(`prefix must be a string, got ${show(prefix)}`);
    const targets = (entriesOf(target) ?? [target]) as Annealable<Record<K, number>>[];
    for (const each of targets) {
      if (typeof each?.set !== 'function') fail(`target must be a namedLoss or have a function set, got ${show(each)}`);
    }
    if (targets.length === 0) fail('target must not be an empty list');
    if (typeof schedules !== 'object' || schedules === null || Object.keys(schedules).length === 0) {
      fail(`schedules must be an object of schedules by the names of options, got ${show(schedules)}`);
    }
    const set = (values: Record<K, number>) => targets.forEach((each) => each.set(values));
    return scheduled(schedules, set, by, optimizer, prefix);
  });
}
