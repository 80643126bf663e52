import type { Optimizer } from '@tensorflow/tfjs-core';
import { currentFunction, inFunction } from '../../argumentError.js';
import { checkNumber, checkOneOf, fail, show } from '../../checks.js';
import type { Schedule } from '../../schedules/schedules.js';

/** A callback for `model.fit` and `model.fitDataset` that sets values along schedules. */
export interface ScheduledCallback<V extends Record<string, number> = Record<string, number>> {
  /** Sets the values of a step or an epoch, and returns them. For loops of your own. */
  at(step: number): V;
  onEpochBegin(epoch: number): void;
  onBatchBegin(batch: number, logs?: Record<string, number>): void;
  onEpochEnd(epoch: number, logs?: Record<string, number>): void;
}

export type By = 'epoch' | 'step';

/**
 * The callback behind `anneal` and `learningRateSchedule`. It sets the start values at once, so that invalid values
 * fail before training. The optimizer counts the steps, and its count is restored in a resumed run; tfjs-layers counts
 * the epochs, from `initialEpoch` on.
 */
export function scheduled<V extends Record<string, number>>(
  schedules: Record<keyof V, Schedule>,
  set: (values: V) => void,
  by: By,
  optimizer: Optimizer | undefined,
  prefix = '',
): ScheduledCallback<V> {
  const fn = currentFunction;
  checkOneOf('by', by, ['epoch', 'step']);
  if (by === 'step') checkOptimizer(optimizer);
  const entries = Object.entries<Schedule>(schedules);
  for (const [name, schedule] of entries) {
    if (typeof schedule !== 'function')
      fail(`${name} must be a schedule, a function of the step, got ${show(schedule)}`);
  }

  let values = {} as V;
  const at = (step: number) =>
    inFunction(fn, () => {
      checkNumber('step', step);
      values = Object.fromEntries(entries.map(([name, schedule]) => [name, schedule(step)])) as V;
      for (const [name, value] of Object.entries(values)) checkNumber(`${name} at step ${step}`, value);
      set(values);
      return values;
    });
  const report = (logs: Record<string, number>) => {
    for (const [name, value] of Object.entries(values)) logs[prefix + name] = value;
  };
  at(by === 'step' ? optimizer!.iterations : 0);
  return {
    at,
    onEpochBegin: (epoch) => {
      if (by === 'epoch') at(epoch);
    },
    onBatchBegin: (_batch, logs = {}) => {
      if (by === 'step') at(optimizer!.iterations);
      // onBatchEnd gets the same logs object. A hook for onBatchEnd itself would make tfjs-layers read the loss back
      // each time.
      report(logs);
    },
    onEpochEnd: (_epoch, logs = {}) => report(logs),
  };
}

export function checkOptimizer(optimizer: unknown): asserts optimizer is Optimizer {
  const { applyGradients, iterations } = (optimizer ?? {}) as Partial<Optimizer>;
  if (typeof applyGradients !== 'function' || typeof iterations !== 'number') {
    const got = typeof optimizer === 'object' && optimizer !== null ? 'an object' : show(optimizer);
    fail(`optimizer must be an optimizer of tf.train, which counts the steps, got ${got}`);
  }
}
