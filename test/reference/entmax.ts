/** alpha-entmax by bisection in float64, from the conditions that its solution must meet. */
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

/**
 * p_i = max(0, (alpha - 1)(z_i - max z) + m^(alpha - 1))^(1/(alpha - 1)), where m, the largest p, is such that Σ p = 1.
 * If p jumps between two neighbouring numbers m, the difference to 1 is shared among the values that jump.
 */
function entmaxOf(z: readonly number[], alpha: number): number[] {
  const largest = Math.max(...z);
  const order = alpha - 1;
  const probabilities = (m: number) =>
    z.map((value) => {
      // This is m·(1 + order·(value - largest)/m^order)^(1/order), computed so that it is also accurate for small
      // orders.
      const x = value === largest ? 0 : (order * (value - largest)) / m ** order;
      return x > -1 ? m * Math.exp(Math.log1p(x) / order) : 0;
    });
  let [low, high] = [1 / z.length, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (sum(probabilities(middle)) <= 1) low = middle;
    else high = middle;
  }
  const [least, most] = [probabilities(low), probabilities(high)];
  const gap = sum(most) - sum(least);
  const share = gap > 0 ? Math.min(1, Math.max(0, (1 - sum(least)) / gap)) : 0;
  return least.map((value, i) => value + share * (at(most, i) - value));
}

/**
 * The gradient of Σ dy p with respect to z: g_i = Σ_j s_i s_j (dy_i - dy_j) / Σ s, with s = p^(2 - alpha), at most 1e9,
 * where p > 0.
 */
export function entmaxGradient(z: readonly number[], dy: readonly number[], alpha: number): number[] {
  const s = entmaxOf(z, alpha).map((p) => (p > 0 ? Math.min(p ** (2 - alpha), 1e9) : 0));
  const total = sum(s);
  return s.map((own, i) => sum(s.map((other, j) => ((own * other) / total) * (at(dy, i) - at(dy, j)))));
}

/** The objective that the solution maximizes: Σ p z + Σ (p - p^alpha)/(alpha (alpha - 1)). */
export function entmaxObjective(p: ArrayLike<number>, z: readonly number[], alpha: number): number {
  return sum(z.map((value, i) => at(p, i) * value + (at(p, i) - at(p, i) ** alpha) / (alpha * (alpha - 1))));
}
