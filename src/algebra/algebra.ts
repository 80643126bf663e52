/**
 * The arithmetic that losses do on sums: small matrices [rows, columns] that broadcast as tensors do. A loss is written
 * once, for any M: tensors.ts computes it with tfjs ops on any backend, numbers.ts in plain numbers, at once.
 */
export interface Algebra<M> {
  /** [1, columns]. */
  row(values: readonly number[]): M;
  add(a: M, b: M | number): M;
  sub(a: M | number, b: M): M;
  mul(a: M, b: M | number): M;
  /** numerator/denominator, and `otherwise` where the denominator, which is never negative, is 0. */
  divide(numerator: M, denominator: M, otherwise: 0 | 1): M;
  /** max(x, 0)^exponent. For an exponent below 1 the slope at 0 is that at 1e-6. */
  power(x: M, exponent: number): M;
  /** log(x), and below 1e-6 its tangent there, so that value and slope stay finite. */
  log(x: M): M;
  /** log(cosh(x)). */
  logCosh(x: M): M;
  /** 1 where x > 0, else 0, without a gradient. */
  step(x: M): M;
  /** [1, columns]. */
  sumOfRows(x: M): M;
  /** [rows, 1]. */
  sumOfColumns(x: M): M;
}

/** Below this base the slope of a root and of a logarithm is taken as it is here: at 0 it would be infinite. */
export const STEEPEST = 1e-6;
