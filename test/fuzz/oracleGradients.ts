import type { NdArray } from '../reference/index.js';
import { isTensorSpec, valuesOf, type Spec, type TensorSpec } from './call.js';
import { factorOf } from './check.js';

/** The number of values in a tensor at which slopes are measured. */
const PLACES = 5;
const STEP = 1e-6;
/** Slopes on both sides that differ by more than this show a kink. */
const KINK = 1e-4;
const JUMP = 1e4;

/**
 * The gradients of the oracle at a few values of each argument by central differences, and NaN elsewhere. They are also
 * NaN where the left and right slopes differ: at a kink (a tie, p = t, the end of a clip), where the definition picks
 * one of many subgradients, or where the function is too curved for a difference. Fused and composed kernels are
 * compared there all the same. `labels` is the position of soft labels among the arguments; their slopes are not
 * measured near 0.
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
      // Odd strides visit all classes and pixels.
      const k = Math.floor((i * values.length) / count + (values.length % 3)) % values.length;
      if (!Number.isFinite(values[k]!) || Math.abs(values[k]!) > 1e3) continue;
      // A step to the left would leave [0, 1], and at 0 a class appears. A moved ignoreLabel becomes an ordinary label.
      if (place === labels && (values[k]! < 1e-3 || ignored.has(values[k]!))) continue;
      const at = (x: number) => total(withValue(args, place, values, k, x));
      const [above, below] = [at(values[k]! + STEP), at(values[k]! - STEP)];
      const [right, left] = [(above - middle) / STEP, (middle - below) / STEP];
      const noise = (4e-16 * Math.abs(middle)) / STEP;
      if (Math.abs(right - left) > KINK * Math.max(Math.abs(right), Math.abs(left), 1e-2) || noise > 1e-7) continue;
      const slope = (above - below) / (2 * STEP);
      // A steeper slope is a jump: a class appears, or a bound is passed.
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
