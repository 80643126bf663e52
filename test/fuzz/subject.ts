import type fc from 'fast-check';
import type { NdArray } from '../reference/index.js';
import type { Call, Spec } from './call.js';

/** How to fuzz one exported function. */
export interface Subject {
  /** The name under which an entry of the package exports it. */
  fn: string;
  /** Arguments that the documentation allows. */
  args: fc.Arbitrary<Spec[]>;
  /** Whether value checks may be on for these arguments; never, if not given. */
  checkable?(args: Spec[]): boolean;
  /** Calls the function in another way than with its arguments alone. */
  invoke?(args: unknown[]): unknown;
  /** The result in float64, one array for each tensor or number of the result; null where the oracle has none. */
  oracle?(args: Spec[]): NdArray[] | null;
  /** The places of the arguments by which it is differentiated; a result of one tensor. */
  differentiable?(args: Spec[]): number[];
  /** The function in float64 of which the gradient is that, where it is another one than the oracle. */
  slopes?(args: Spec[]): NdArray[] | null;
  /** The result differs from call to call. */
  random?: boolean;
  /** The documentation leaves open which of several results these arguments have. */
  arbitrary?(args: Spec[]): boolean;
  /** The place of soft labels among the arguments. */
  labels?: number;
  /** Whether the oracle's values by `args` have derivatives that can be measured. */
  smooth?(args: Spec[]): boolean;
  /** Where the documentation allows any result for these arguments, NaN too. */
  nonFinite?(args: Spec[]): boolean;
  /** NaN and Infinity are among the values that the documentation gives results, and the oracle knows where. */
  mayBeNaN?: boolean;
  /** Smallest and largest value of the result; none by default. See ranges.ts. */
  range?(args: Spec[]): readonly [number, number];
  /** The size below which an error of 1e-5 of it is no disagreement; by default 1, as for losses in [0, 1]. */
  scale?: number;
  /** How far values may lie apart; 1e-5, if not given. */
  tolerance?(args: Spec[]): number;
  /** The places of gradients where the function has a kink, and rounding decides on which side of it they are. */
  kinks?(args: Spec[]): ReadonlySet<number>;
  /** 1e-5, if not given. */
  gradientTolerance?(args: Spec[]): number;
  /** Calls that must give the same, and how results of the second are brought to the form of those of the first. */
  relations?: readonly Relation[];
  /** Fitting arguments may be refused all the same, because of the state of an object. */
  mayRefuse?: boolean;
  /** Errors may name other functions too, those that were passed or that are called inside. */
  composite?: boolean;
  /** The percentage of the usual runs that it gets; 100 by default. */
  share?: number;
}

/** Another call that must give the same. */
export interface Relation {
  name: string;
  /** null where it does not apply. */
  other(call: Call): Call | null;
  /** The result of the other call in the form of the first. */
  back?(values: NdArray[], call: Call): NdArray[];
}
