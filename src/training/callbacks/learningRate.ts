import type { Optimizer } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkNumber, checkOptionNames, fail } from '../../checks.js';
import type { Schedule } from '../../schedules/schedules.js';
import { checkOptimizer, scheduled, type ScheduledCallback } from './scheduled.js';

export interface LearningRateOptions {
  /** The argument of the schedule: the `'epoch'` (default), or the `'step'` of the optimizer. */
  by?: 'epoch' | 'step';
}

/**
 * A callback for `model.fit` and `model.fitDataset` that changes an optimizer's learning rate along a schedule, and
 * adds it to the logs as `learningRate`. In a loop of your own, `at(step)` sets it. Epochs and steps count as in
 * `anneal`, also in a resumed run.
 *
 * It works for every optimizer of `tf.train`, from the next step on. An optimizer is saved with its current rate.
 *
 * @param optimizer the optimizer passed to `compile`, or `model.optimizer`
 * @param schedule the rate by epoch or step, >= 0
 * @throws if optimizer or options do not fit, or the schedule does not return a number >= 0
 *
 * @example
 * ```ts
 * const optimizer = tf.train.adam();
 * const rate = learningRateSchedule(optimizer, cosineSchedule({ from: 2e-3, to: 0, steps: 100 }), { by: 'step' });
 * const weights = tf.variable(tf.zeros([3]));
 * for (let step = 0; step < 100; step++) {
 *   rate.at(step);
 *   optimizer.minimize(() => tf.sum(tf.square(tf.sub(weights, 1))));
 * }
 * rate.at(50).learningRate; // 0.001
 * ```
 */
export function learningRateSchedule(
  optimizer: Optimizer,
  schedule: Schedule,
  options: LearningRateOptions = {},
): ScheduledCallback<{ learningRate: number }> {
  return inFunction('learningRateSchedule', () => {
    checkOptionNames(options, ['by']);
    checkOptimizer(optimizer);
    // Some optimizers keep the rate in a protected field, as a number that each step reads; SGD and momentum keep a
    // tensor.
    const own = optimizer as Optimizer & { learningRate?: number; setLearningRate?: (rate: number) => void };
    if (typeof own.setLearningRate !== 'function' && typeof own.learningRate !== 'number') {
      fail('this optimizer has neither setLearningRate nor a learningRate');
    }
    const set = ({ learningRate }: { learningRate: number }) => {
      checkNumber('learningRate', learningRate, { least: 0 });
      if (learningRate === own.learningRate) return;
      if (own.setLearningRate) own.setLearningRate(learningRate);
      else own.learningRate = learningRate;
    };
    return scheduled({ learningRate: schedule }, set, options.by ?? 'epoch', optimizer);
  });
}
