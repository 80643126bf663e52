import type { NamedLoss } from './namedLoss.js';
import { withMask } from './withMask.js';
import { withSampleWeights } from './withSampleWeights.js';
import type { Wrapper } from './wrappedLoss.js';

/** The loss with the wrappers that `splitLossName` found, the outermost first. */
export function wrapLoss(wrappers: readonly Wrapper[], loss: NamedLoss): NamedLoss {
  return wrappers.reduceRight((inner, wrapper) => (wrapper === 'withMask' ? withMask : withSampleWeights)(inner), loss);
}
