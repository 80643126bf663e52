import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { currentFunction, inFunction } from '../../argumentError.js';
import { checkTensor, fail, show } from '../../checks.js';

/** A model of tfjs-layers, or a function from its input to logits. */
export type Network = LayersModel | ((xs: Tensor) => Tensor);

/** A network as a step needs it. */
export interface Forward {
  /** Logits, in training mode. */
  train(xs: Tensor): Tensor;
  /** Logits, not in training mode; of a function the same. */
  predict(xs: Tensor): Tensor;
  /** The variables to differentiate by; undefined for all trainable ones. */
  variables: Variable[] | undefined;
  /** What the layers' regularizers add to the loss. */
  penalties(): Scalar[];
}

export function resolveForward(network: unknown): Forward {
  const fn = currentFunction;
  const checked = (logits: unknown): Tensor =>
    inFunction(fn, () => {
      checkTensor("the network's output", logits);
      return logits;
    });
  if (typeof network === 'function') {
    const call = network as (xs: Tensor) => unknown;
    const logits = (xs: Tensor) => checked(call(xs));
    return { train: logits, predict: logits, variables: undefined, penalties: () => [] };
  }
  const model = (network ?? {}) as Partial<LayersModel>;
  if (typeof model.apply !== 'function' || !Array.isArray(model.trainableWeights)) {
    fail(`network must be a model of tfjs-layers or a function from xs to logits, got ${show(network)}`);
  }
  return {
    train: (xs) => checked(model.apply!(xs, { training: true })),
    predict: (xs) => checked(model.apply!(xs)),
    // read() gives the variable itself.
    variables: model.trainableWeights.map((weight) => weight.read() as Variable),
    penalties: () => model.calculateLosses!(),
  };
}
