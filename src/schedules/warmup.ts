import { inFunction } from '../argumentError.js';
import { checkNumber, checkOptionNames, fail, show } from '../checks.js';
import type { Schedule } from './schedules.js';

export interface WarmupOptions {
  /** The number of steps, > 0, before the schedule begins. */
  steps: number;
  /** The value at step 0. Default 0. */
  from?: number;
}

/**
 * Puts a warm-up before a schedule: a straight line from `from` to the schedule's first value during `steps` steps, and
 * then schedule(step - steps). It is meant for learning rates; with `from: 0` the very first step changes nothing.
 *
 * @throws if schedule is not a function, or options do not fit
 *
 * @example
 * ```ts
 * const rate = warmup(cosineSchedule({ from: 1e-2, to: 0, steps: 80 }), { steps: 20, from: 1e-3 });
 * [rate(0), rate(10), rate(20), rate(60), rate(100)]; // [0.001, 0.0055, 0.01, 0.005, 0]
 * ```
 *
 * @see Goyal et al., Accurate, large minibatch SGD, arXiv 1706.02677
 */
export function warmup(schedule: Schedule, options: WarmupOptions): Schedule {
  const fn = 'warmup';
  return inFunction(fn, () => {
    if (typeof schedule !== 'function') fail(`schedule must be a function of the step, got ${show(schedule)}`);
    checkOptionNames(options, ['steps', 'from']);
    const { steps, from = 0 } = options;
    checkNumber('steps', steps, { least: 0, open: true });
    checkNumber('from', from);
    return (step) =>
      inFunction(fn, () => {
        checkNumber('step', step);
        if (step >= steps) return schedule(step - steps);
        return from + (schedule(0) - from) * Math.max(0, step / steps);
      });
  });
}
