/** The parts that losses on the shape of a class share: the classes that take part, and the reduction. */
import type { Algebra } from '../../algebra/algebra.js';
import { checkOneOf } from '../../checks.js';
import type { Layout } from '../../kernels/layout.js';
import type { InputOptions } from '../../overlap/options.js';
import { resolveClasses, type ClassWeights } from './classes.js';
import { joinRules } from '../descriptions/optionRules.js';
import { COMMON_RULES, REDUCTION_RULE, REDUCTIONS, type ClassOptions, type Reduction } from './options.js';
import { reduceClasses } from './reduceClasses.js';

/** The options of every loss on the shape of a class. */
export interface GeometryOptions<R extends Reduction = Reduction> extends InputOptions, ClassOptions {
  /**
   * The classes that take part: `'all'` or a list of indices. By default all with C = 1 or under sigmoid; otherwise all
   * except class 0, the background.
   */
  classes?: 'all' | readonly number[];
  /** `'mean'` (default) or `'sum'`: a scalar; `'none'`: `[N, C]`; `'sample'`: `[N]`. */
  reduction?: R;
}

export const GEOMETRY_RULES = /* @__PURE__ */ joinRules(COMMON_RULES, { reduction: REDUCTION_RULE });

/** The options on classes and the reduction, resolved. */
export interface GeometryReduction {
  classes: ClassWeights;
  reduction: Reduction;
}

export function resolveGeometryReduction(options: GeometryOptions, { classes: count }: Layout): GeometryReduction {
  const { activation, classWeights, reduction = 'mean' } = options;
  checkOneOf('reduction', reduction, REDUCTIONS);
  const foreground = Array.from({ length: count - 1 }, (_, c) => c + 1);
  const { classes = count > 1 && activation !== 'sigmoid' ? foreground : 'all' } = options;
  return { classes: resolveClasses({ classWeights, classes }, count), reduction };
}

/** Reduces values [N,C] to the result. `counted` [N,C] is 0 where a class of `classes` does not count in a sample. */
export function reduceGeometry<M>(a: Algebra<M>, values: M, counted: M, { classes, reduction }: GeometryReduction): M {
  const weights = classes.weights.map((weight, c) => weight * classes.included[c]!);
  return reduceClasses(a, values, a.mul(counted, a.row(weights)), reduction);
}

/** The shape of the result. */
export function shapeOfReduction({ classes, reduction }: GeometryReduction, samples: number): number[] {
  if (reduction === 'none') return [samples, classes.weights.length];
  return reduction === 'sample' ? [samples] : [];
}
