import type { NamedLoss } from '../boundLoss.js';
import { withMask } from './withMask.js';
import { withSampleWeights } from './withSampleWeights.js';
import type { LossFunction } from '../../losses/descriptions/lossDescription.js';
import type { PackOptions, Wrapper } from './wrappedLoss.js';

/** The loss with the wrappers that `splitLossName` found, the outermost first. */
export function wrapLoss(wrappers: readonly Wrapper[], loss: NamedLoss): NamedLoss {
  return wrappers.reduceRight((inner, wrapper) => (wrapper === 'withMask' ? withMask : withSampleWeights)(inner), loss);
}

/** The same for a metric, which is no `NamedLoss`. */
export function wrapMetric(wrappers: readonly Wrapper[], metric: LossFunction, options: PackOptions): LossFunction {
  const wrap = (inner: LossFunction, wrapper: Wrapper): LossFunction =>
    wrapper === 'withMask' ? withMask(inner, options) : withSampleWeights(inner, options);
  return wrappers.reduceRight(wrap, metric);
}
