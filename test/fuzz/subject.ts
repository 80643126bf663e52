import type fc from 'fast-check';
import type { NdArray } from '../reference/index.js';
import type { Call, Spec } from './call.js';

/** The way to fuzz one exported function. */
export interface Subject {
  /** The name under which an entry of the package exports it. */
  fn: string;
  /** Arguments that the documentation allows. */
  args: fc.Arbitrary<Spec[]>;
  /** True if value checks may be on for these arguments. Default: never. */
  checkable?(args: Spec[]): boolean;
  /** Calls the function if its arguments alone do not say how. */
  invoke?(args: unknown[]): unknown;
  /** The result in float64, one array for each tensor or number in the result; null where the oracle has none. */
  oracle?(args: Spec[]): NdArray[] | null;
  /** The positions of the arguments to differentiate by. The result must be one tensor. */
  differentiable?(args: Spec[]): number[];
  /** The float64 function that has the expected gradient, if it is not the oracle. */
  slopes?(args: Spec[]): NdArray[] | null;
  /** The result differs from call to call. */
  random?: boolean;
  /** True if the documentation allows several results for these arguments. */
  arbitrary?(args: Spec[]): boolean;
  /** The position of soft labels among the arguments. */
  labels?: number;
  /** True if the oracle's derivatives at `args` can be measured. */
  smooth?(args: Spec[]): boolean;
  /** True if the documentation allows any result for these arguments, including NaN. */
  nonFinite?(args: Spec[]): boolean;
  /** The documentation gives NaN or Infinity as some results, and the oracle knows where. */
  mayBeNaN?: boolean;
  /** Smallest and largest value of the result. Default: see ranges.ts. */
  range?(args: Spec[]): readonly [number, number];
  /** Errors below 1e-5 of this size are no disagreement. Default: 1, as for losses in [0, 1]. */
  scale?: number;
  /** The largest allowed difference between values. Default: 1e-5. */
  tolerance?(args: Spec[]): number;
  /** The positions at which a gradient has a kink and rounding decides on which side of it kernels are. */
  kinks?(args: Spec[]): ReadonlySet<number>;
  /** The largest allowed difference between gradients. Default: 1e-5. */
  gradientTolerance?(args: Spec[]): number;
  /** Calls that must give the same result. */
  relations?: readonly Relation[];
  /** Valid arguments may still be refused, because of an object's state. */
  mayRefuse?: boolean;
  /** Errors may also name other functions: those passed in, or those called inside. */
  composite?: boolean;
  /** Its share of the usual number of runs, in percent. Default: 100. */
  share?: number;
}

/** Another call that must give the same result. */
export interface Relation {
  name: string;
  /** The other call; null if the relation does not apply. */
  other(call: Call): Call | null;
  /** Brings the result of the other call into the form of the first. */
  back?(values: NdArray[], call: Call): NdArray[];
}
