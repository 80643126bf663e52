import { currentFunction, inFunction } from '../../argumentError.js';
import { checkNumber, checkOneOf, fail, show } from '../../checks.js';

/** Which score decides. */
export interface MonitorOptions {
  /** Its name in the logs. Default `'val_loss'`. */
  monitor?: string;
  /** Whether more is better or less. Default `'min'` for a name that ends in "loss"; other names need it. */
  mode?: 'max' | 'min';
  /** A smaller change than this is no improvement. Default 0: any change in the right direction is one. */
  minDelta?: number;
  /** The best value so far, of a run that is resumed; only what is better counts. */
  best?: number;
}

export const MONITOR_OPTIONS = ['monitor', 'mode', 'minDelta', 'best'] as const;

export interface Monitor {
  /** The monitored value. */
  read(logs: Record<string, number> | undefined): number;
  /** NaN is never better. */
  better(value: number, than: number | undefined): boolean;
}

export function resolveMonitor({ monitor = 'val_loss', mode, minDelta = 0, best }: MonitorOptions): Monitor {
  const fn = currentFunction;
  if (typeof monitor !== 'string') fail(`monitor must be a name in the logs, got ${show(monitor)}`);
  if (mode === undefined && !monitor.endsWith('loss')) {
    fail(`mode must be 'max' or 'min' for '${monitor}': is more better or less?`);
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
        fail(`the logs have no number '${monitor}'; they have ${names}. What adds it must come before this callback`);
      });
    },
    better(value, than) {
      if (than === undefined) return !Number.isNaN(value);
      return direction === 'max' ? value > than + minDelta : value < than - minDelta;
    },
  };
}
