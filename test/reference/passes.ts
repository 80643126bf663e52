/** The passes of src/kernels/contract.ts pixel by pixel in float64, from docs/definitions.md. */
import { at } from './ndarray.js';
import { logSumExp, scaledLogit, sigmoid, softmax, softplus, timesLog } from './numbers.js';

interface EntropyTerm {
  kind: 'categorical' | 'binary';
  labelSmoothing: number;
  posWeight: readonly number[] | null;
  subtractEntropy: boolean;
  /** The factor abs(p - t)^gamma·(alpha·t + (1 - alpha)(1 - t)), without the last part if alpha is null. */
  focal: { gamma: number; alpha: number | null } | null;
}

export interface PassAttributes {
  activation: 'softmax' | 'sigmoid' | 'none';
  sharpness: number;
  entropy: EntropyTerm;
}

/** The amount that one pixel of weight 1 adds to each sum of each class: [9][C], in the order of the contract. */
export function summandsOf(
  predictions: readonly number[],
  labels: readonly number[],
  attributes: PassAttributes,
): number[][] {
  const p = probabilitiesOf(predictions, attributes);
  const perClass = (f: (p: number, t: number) => number) => p.map((value, c) => f(value, at(labels, c)));
  return [
    perClass((p, t) => p * t),
    [...p],
    [...labels],
    perClass((p, t) => Math.abs(p - t)),
    perClass(Math.min),
    perClass((p) => p * p),
    perClass((_, t) => t * t),
    entropiesOf(predictions, labels, attributes),
    p.map(() => 1),
  ];
}

export function probabilitiesOf(
  predictions: readonly number[],
  { activation, sharpness }: Pick<PassAttributes, 'activation' | 'sharpness'>,
): number[] {
  if (activation === 'none') return [...predictions];
  const z = predictions.map((value) => scaledLogit(value, sharpness));
  return activation === 'softmax' ? softmax(z) : z.map(sigmoid);
}

/** The entropy term of each class, with its focal factor. */
export function entropiesOf(
  predictions: readonly number[],
  labels: readonly number[],
  attributes: PassAttributes,
): number[] {
  const plain = plainEntropiesOf(predictions, labels, attributes);
  const { focal } = attributes.entropy;
  if (!focal) return plain;
  const { gamma, alpha } = focal;
  const p = probabilitiesOf(predictions, attributes);
  return plain.map((term, c) => {
    const t = at(labels, c);
    const balance = alpha === null ? 1 : alpha * t + (1 - alpha) * (1 - t);
    return Math.abs(p[c]! - t) ** gamma * balance * term;
  });
}

function plainEntropiesOf(
  predictions: readonly number[],
  labels: readonly number[],
  { activation, sharpness, entropy }: PassAttributes,
): number[] {
  const { kind, labelSmoothing, posWeight, subtractEntropy } = entropy;
  const z = predictions.map((value) => (activation === 'none' ? value : scaledLogit(value, sharpness)));
  const normalizer = activation === 'softmax' ? logSumExp(z) : 0;
  const logOn = (x: number): number => {
    if (activation === 'softmax') return x - normalizer;
    return activation === 'sigmoid' ? -softplus(-x) : Math.log(Math.max(x, 1e-12));
  };
  const logOff = (x: number): number => (activation === 'sigmoid' ? -softplus(x) : Math.log(Math.max(1 - x, 1e-12)));
  return z.map((x, c) => {
    const outcomes = kind === 'categorical' ? z.length : 2;
    const t = at(labels, c) * (1 - labelSmoothing) + labelSmoothing / outcomes;
    const positive = posWeight ? at(posWeight, c) : 1;
    const on = -positive * timesLog(t, logOn(x)) + (subtractEntropy ? timesLog(t, Math.log(t)) : 0);
    if (kind === 'categorical') return on;
    return on - timesLog(1 - t, logOff(x)) + (subtractEntropy ? timesLog(1 - t, Math.log(1 - t)) : 0);
  });
}
