import { currentFunction, inFunction } from '../argumentError.js';
import { checkNumber, checkOptionNames } from '../checks.js';

export interface ScheduleOptions {
  /** The value at step 0 and before. */
  from: number;
  /** The value at step `steps` and after. */
  to: number;
  /** The number of steps from `from` to `to`, > 0. */
  steps: number;
}

/** A function from a step to a value. A step may be any number: a batch, an epoch, or a fraction of one. */
export type Schedule = (step: number) => number;

/**
 * A schedule that is a straight line: from + (to - from)·step/steps.
 *
 * @throws if a number is not finite, or steps <= 0
 *
 * @example
 * ```ts
 * const sharpness = linearSchedule({ from: 1, to: 8, steps: 100 });
 * sharpness(50); // 4.5
 * ```
 */
export function linearSchedule(options: ScheduleOptions): Schedule {
  return inFunction('linearSchedule', () => schedule(options, (from, to, share) => from + (to - from) * share));
}

/**
 * A schedule with a constant ratio from step to step: from·(to/from)^(step/steps).
 *
 * @throws if from or to is not > 0, or steps <= 0
 *
 * @example
 * ```ts
 * const sharpness = exponentialSchedule({ from: 1, to: 16, steps: 100 });
 * sharpness(50); // 4
 * ```
 */
export function exponentialSchedule(options: ScheduleOptions): Schedule {
  return inFunction('exponentialSchedule', () =>
    schedule(options, (from, to, share) => from * (to / from) ** share, { least: 0, open: true }),
  );
}

/**
 * A schedule that is half a period of a cosine, slow at both ends: to + (from - to)·(1 + cos(π·step/steps))/2.
 *
 * @throws if a number is not finite, or steps <= 0
 *
 * @example
 * ```ts
 * const learningRate = cosineSchedule({ from: 2e-3, to: 0, steps: 100 });
 * learningRate(50); // 0.001
 * ```
 *
 * @see Loshchilov & Hutter, SGDR, ICLR 2017, arXiv 1608.03983
 */
export function cosineSchedule(options: ScheduleOptions): Schedule {
  return inFunction('cosineSchedule', () =>
    schedule(options, (from, to, share) => to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2),
  );
}

function schedule(
  options: ScheduleOptions,
  between: (from: number, to: number, share: number) => number,
  range: { least?: number; open?: boolean } = {},
): Schedule {
  const fn = currentFunction;
  checkOptionNames(options, ['from', 'to', 'steps']);
  const { from, to, steps } = options;
  checkNumber('from', from, range);
  checkNumber('to', to, range);
  checkNumber('steps', steps, { least: 0, open: true });
  return (step) =>
    inFunction(fn, () => {
      checkNumber('step', step);
      if (step <= 0) return from;
      return step >= steps ? to : between(from, to, step / steps);
    });
}
