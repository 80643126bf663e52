import { checkClassList, checkClassWeights } from '../../checks.js';
import type { ClassOptions } from './options.js';

/** C weights: those of `classWeights`, or 1; and which classes take part, as C zeros and ones. */
export interface ClassWeights {
  weights: number[];
  included: number[];
}

export function resolveClasses({ classWeights, classes = 'all' }: ClassOptions, count: number): ClassWeights {
  if (classWeights !== undefined) checkClassWeights('classWeights', classWeights, count);
  checkClassList(classes, count);
  const chosen = classes === 'all' ? null : new Set(classes);
  const indices = Array.from({ length: count }, (_, c) => c);
  return {
    weights: indices.map((c) => classWeights?.[c] ?? 1),
    included: indices.map((c) => (!chosen || chosen.has(c) ? 1 : 0)),
  };
}
