import * as losses from './losses.js';
import { at, map, resolveAxis, type NdArray } from './ndarray.js';
import { defaultActivation, isBinary, type PixelOptions } from './pixels.js';

type TermLoss = Extract<keyof typeof losses, `${string}Loss`>;
type ComboTerm = TermLoss extends `${infer Name}Loss` ? Name : never;

export interface ComboOptions
  extends
    PixelOptions,
    losses.DiceOptions,
    losses.TverskyOptions,
    losses.GeneralizedDiceOptions,
    losses.CrossEntropyOptions,
    losses.FocalOptions {
  weights?: Partial<Record<ComboTerm, number>>;
}

type AnyLoss = (labels: NdArray, predictions: NdArray, options: object) => NdArray;

/** Any loss of losses.ts can be a term. */
export function comboLoss(labels: NdArray, predictions: NdArray, options: ComboOptions = {}): NdArray {
  const { weights = { iou: 1, crossEntropy: 1 }, posWeight, ...rest } = options;
  const classCount = at(predictions.shape, resolveAxis(options.axis ?? -1, predictions.shape.length));
  // All terms share one activation, which is not softmax if a term is binary.
  const isForcedBinary = weights.binaryCrossEntropy !== undefined;
  const activation = options.activation ?? (isForcedBinary ? 'sigmoid' : defaultActivation(classCount));
  const shared = { ...rest, activation };
  const terms = Object.entries(weights).map(([term, weight]) => {
    const loss = losses[`${term as ComboTerm}Loss`] as AnyLoss;
    const binary = term === 'binaryCrossEntropy' || (term === 'crossEntropy' && isBinary(activation, classCount));
    return map(loss(labels, predictions, binary ? { ...shared, posWeight } : shared), (value) => weight * value);
  });
  return terms.reduce((total, term) => {
    if (total.shape.join() !== term.shape.join()) throw new Error('the terms differ in shape');
    return map(total, (value, i) => value + at(term.data, i));
  });
}
