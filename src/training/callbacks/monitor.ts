import { currentFunction, inFunction } from '../../argumentError.js';
import { checkNumber, checkOneOf, fail, show } from '../../checks.js';

/** Options for the monitored value, which decides whether an epoch is better than those before. */
export interface MonitorOptions {
  /** The name of the value in the logs. Default `'val_loss'`. */
  monitor?: string;
  /**
   * `'max'` if a larger value is better, `'min'` if a smaller one is. Default `'min'` for a name that ends in "loss";
   * for other names it is required.
   */
  mode?: 'max' | 'min';
  /**
   * A change counts as an improvement if it is larger than this, >= 0. Default 0: any change in the right direction.
   */
  minDelta?: number;
  /** For a resumed run: the best value so far. Only better values count as improvements. */
  best?: number;
}

export const MONITOR_OPTIONS = ['monitor', 'mode', 'minDelta', 'best'] as const;

export interface Monitor {
  /** The monitored value in the logs of an epoch. */
  read(logs: Record<string, number> | undefined): number;
  /** True if a value is better than another, or than none. NaN is never better. */
  better(value: number, than: number | undefined): boolean;
}

export function resolveMonitor({ monitor = 'val_loss', mode, minDelta = 0, best }: MonitorOptions): Monitor {
  const fn = currentFunction;
  if (typeof monitor !== 'string') fail(`monitor must be a name in the logs, got ${show(monitor)}`);
  if (mode === undefined && !monitor.endsWith('loss')) {
    fail(`mode must be 'max' or 'min' for '${monitor}': is a larger or a smaller value better?`);
  }
  const direction = mode ?? 'min';
  checkOneOf('mode', direction, ['max', 'min']);
  checkNumber('minDelta', minDelta, { least: 0 });
  if (best !== undefined) checkNumber('best', best);
  return {
    read(logs = {}) {
      return inFunction(fn, () => {
        const value: unknown = logs[monitor];
        if (typeof value === 'number') return value;
        const names = Object.keys(logs).join(', ') || 'nothing';
        const rule = 'The callback that adds it must come before this one';
        fail(`the logs have no number '${monitor}'; they have ${names}. ${rule}`);
      });
    },
    better(value, than) {
      if (than === undefined) return !Number.isNaN(value);
      return direction === 'max' ? value > than + minDelta : value < than - minDelta;
    },
  };
}
