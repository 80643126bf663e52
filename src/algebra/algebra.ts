/**
 * The arithmetic of losses on sums. Its values M are small matrices [rows, columns] that broadcast as tensors do. A
 * loss is written once, for any M: tensors.ts computes it with tfjs ops on any backend, and numbers.ts in plain
 * numbers, synchronously.
 */
export interface Algebra<M> {
  /** A matrix [1, columns] of the given values. */
  row(values: readonly number[]): M;
  add(a: M, b: M | number): M;
  sub(a: M | number, b: M): M;
  mul(a: M, b: M | number): M;
  /** numerator/denominator, and `otherwise` where the denominator, which is never negative, is 0. */
  divide(numerator: M, denominator: M, otherwise: 0 | 1): M;
  /** max(x, 0)^exponent. For an exponent below 1, the slope where x < 1e-6 is taken to be that at 1e-6. */
  power(x: M, exponent: number): M;
  /** log(x), which is replaced below 1e-6 by its tangent at 1e-6, so that value and slope stay finite. */
  log(x: M): M;
  /** log(cosh(x)). */
  logCosh(x: M): M;
  /** 1 where x > 0, else 0. Its gradient is 0. */
  step(x: M): M;
  /** The sum of all rows, [1, columns]. */
  sumOfRows(x: M): M;
  /** The sum of all columns, [rows, 1]. */
  sumOfColumns(x: M): M;
}

/**
 * Below this, the slope of a root or a logarithm is taken to be that at this value, because at 0 it would be infinite.
 */
export const STEEPEST = 1e-6;
