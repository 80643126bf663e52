import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { currentFunction, inFunction } from '../../argumentError.js';
import { checkTensor, fail, show } from '../../checks.js';

/** A model of tfjs-layers, or a function from its input to logits. */
export type Network = LayersModel | ((xs: Tensor) => Tensor);

/** A network, in the form that the functions on pieces use. */
export interface Forward {
  /** Logits, in training mode. */
  train(xs: Tensor): Tensor;
  /** Logits, in inference mode. A function has only one mode. */
  predict(xs: Tensor): Tensor;
  /** The variables to differentiate by; undefined for all trainable ones. */
  variables: Variable[] | undefined;
  /** The terms that the regularizers of the layers add to the loss. */
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
    // read() returns the variable itself.
    variables: model.trainableWeights.map((weight) => weight.read() as Variable),
    penalties: () => model.calculateLosses!(),
  };
}
