import type { NdArray } from '../reference/index.js';
import { isTensorSpec, valuesOf, type Spec, type TensorSpec } from './call.js';
import { factorOf } from './check.js';

/** How many places of a tensor are measured. */
const PLACES = 5;
const STEP = 1e-6;
/** How far the slopes on both sides may lie apart where there is no kink. */
const KINK = 1e-4;
const JUMP = 1e4;

/**
 * The gradients of the oracle at a few places of each argument by central differences, NaN elsewhere. They are also NaN
 * where the slopes to the left and to the right differ: there is a kink (a tie, p = t, the end of a clip) or a curve
 * too tight for a difference, and the definition picks one of many subgradients. Fused and composed kernels are
 * compared there all the same. `labels` is the place of soft labels, whose slopes are not measured near 0.
 */
export function oracleGradients(
  oracle: (args: Spec[]) => NdArray[] | null,
  args: Spec[],
  places: number[],
  labels?: number,
): NdArray[] {
  const total = (own: Spec[]) =>
    (oracle(own)?.[0]?.data ?? Float64Array.of(NaN)).reduce((sum, value, i) => sum + value * factorOf(i), 0);
  const middle = total(args);
  const ignored = new Set(args.map((arg) => (arg as { ignoreLabel?: unknown } | null)?.ignoreLabel));
  return places.map((place) => {
    const spec = args[place] as TensorSpec;
    const values = valuesOf(spec);
    const data = new Float64Array(values.length).fill(NaN);
    const count = Math.min(PLACES, values.length);
    for (let i = 0; i < count; i++) {
      // Odd strides visit places of all classes and pixels.
      const k = Math.floor((i * values.length) / count + (values.length % 3)) % values.length;
      if (!Number.isFinite(values[k]!) || Math.abs(values[k]!) > 1e3) continue;
      // A step to the left would leave [0, 1], and at 0 a class appears. A sentinel that moves is a label, and counts.
      if (place === labels && (values[k]! < 1e-3 || ignored.has(values[k]!))) continue;
      const at = (x: number) => total(withValue(args, place, values, k, x));
      const [above, below] = [at(values[k]! + STEP), at(values[k]! - STEP)];
      const [right, left] = [(above - middle) / STEP, (middle - below) / STEP];
      const noise = (4e-16 * Math.abs(middle)) / STEP;
      if (Math.abs(right - left) > KINK * Math.max(Math.abs(right), Math.abs(left), 1e-2) || noise > 1e-7) continue;
      const slope = (above - below) / (2 * STEP);
      // A steeper one is a jump: a class appears, a bound is passed.
      if (Math.abs(slope) < JUMP) data[k] = slope;
    }
    return { shape: [...spec.shape], data };
  });
}

function withValue(args: Spec[], place: number, values: number[], k: number, x: number): Spec[] {
  const exact = values.slice();
  exact[k] = x;
  const spec = args[place] as TensorSpec;
  return args.map((arg, i) => (i === place && isTensorSpec(arg) ? { ...spec, of: exact, exact: true } : arg));
}
