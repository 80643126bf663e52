/** alpha-entmax by bisection in float64, from the conditions that its solution has to meet. */
import { at, linesAlong, sum, zeros, type NdArray } from './ndarray.js';

export function entmax(logits: NdArray, { alpha = 1.5, axis = -1 }: { alpha?: number; axis?: number } = {}): NdArray {
  const result = zeros(logits.shape);
  for (const line of linesAlong(logits, axis)) {
    const p = entmaxOf(
      line.map((k) => at(logits.data, k)),
      alpha,
    );
    line.forEach((k, i) => (result.data[k] = at(p, i)));
  }
  return result;
}

export function sparsemax(logits: NdArray, { axis = -1 }: { axis?: number } = {}): NdArray {
  return entmax(logits, { alpha: 2, axis });
}

export function entmax15(logits: NdArray, { axis = -1 }: { axis?: number } = {}): NdArray {
  return entmax(logits, { alpha: 1.5, axis });
}

/** p_i = max(0, (alpha - 1) z_i - τ)^(1/(alpha - 1)), Σ p = 1. */
function entmaxOf(z: readonly number[], alpha: number): number[] {
  const largest = Math.max(...z);
  const scaled = z.map((value) => (alpha - 1) * (value - largest));
  const probabilities = (threshold: number) =>
    scaled.map((value) => Math.max(0, value - threshold) ** (1 / (alpha - 1)));
  let [low, high] = [-1, 0];
  for (let i = 0; i < 70; i++) {
    const middle = (low + high) / 2;
    if (sum(probabilities(middle)) >= 1) low = middle;
    else high = middle;
  }
  return probabilities(low);
}

/** What the solution maximizes: Σ p z + Σ (p - p^alpha)/(alpha (alpha - 1)). */
export function entmaxObjective(p: ArrayLike<number>, z: readonly number[], alpha: number): number {
  return sum(z.map((value, i) => at(p, i) * value + (at(p, i) - at(p, i) ** alpha) / (alpha * (alpha - 1))));
}
