import type { Optimizer } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkOptionNames, entriesOf, fail, show } from '../../checks.js';
import type { Schedule } from '../../schedules/schedules.js';
import { scheduled, type ScheduledCallback } from './scheduled.js';

/** What can be annealed: a `namedLoss`, or anything else whose `set` takes numbers by name. */
export interface Annealable<V> {
  set(values: V): unknown;
}

export interface AnnealOptions {
  /** What the schedules count: `'epoch'`, the default, or `'step'`, the optimizer's steps. */
  by?: 'epoch' | 'step';
  /** The optimizer that counts the steps: the one that was given to `compile`, or `model.optimizer`. For `by: 'step'`. */
  optimizer?: Optimizer;
  /** What the names in the logs begin with. Default `''`. */
  prefix?: string;
}

/**
 * A callback for `model.fit` and `model.fitDataset` that moves options of a loss along schedules, and puts their values
 * into the logs of batches and epochs, and so into the history. In a loop of your own, `at(step)` sets them.
 *
 * By epoch, the schedules are asked for the epoch as tfjs-layers counts it, from `initialEpoch` on; by step, for
 * `optimizer.iterations`, which is saved with the optimizer. So a resumed run goes on where the first one was. Epochs count
 * from 0: with `steps: epochs - 1` a schedule reaches its end in the last epoch.
 *
 * The values of the start are set at once, and stay what they were last after training. What was trained at a sharpness
 * of 8 is to be read at 8.
 *
 * @param target a `namedLoss`, or an object with `set(values)`, or a list of them that all get the values
 * @param schedules by the names of the options
 * @throws if the target has no such option, or options do not fit; in training, if a schedule gives no finite number
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
