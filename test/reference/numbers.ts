/** log(1 + exp(x)) for every x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

export function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((total, value) => total + Math.exp(value - largest), 0));
}

export function softmax(values: readonly number[]): number[] {
  const normalizer = logSumExp(values);
  return values.map((value) => Math.exp(value - normalizer));
}

/** A logit as it enters softmax and sigmoid: scaled, and finite. */
export function scaledLogit(logit: number, sharpness: number): number {
  return Math.min(Math.max(sharpness * logit, -1e9), 1e9);
}

/** t log p with 0 log 0 = 0. */
export function timesLog(t: number, logP: number): number {
  return t === 0 ? 0 : t * logP;
}
