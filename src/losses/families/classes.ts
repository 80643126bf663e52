import { checkClassList, checkClassWeights } from '../../checks.js';
import type { ClassOptions } from './options.js';

export interface ClassWeights {
  /** The weight of each class: that of `classWeights`, or 1. */
  weights: number[];
  /** For each class 1 if it takes part, else 0. */
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
