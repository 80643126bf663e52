import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { nodeOf, nodesIn } from '../modelNodes.js';
import { withSeed } from '../seeds/random.js';

/** The private fields of a recurrent layer that keeps its states from batch to batch, as in tfjs-layers 4.22. */
interface Stateful {
  states_: Tensor[];
  keptStates: Tensor[][];
}

/**
 * Runs `run`, and then puts back what the layers have changed: weights (batch normalization moves its averages), the
 * states of stateful layers, and `Math.random`, from which dropout draws.
 */
export function leavingUnchanged(model: LayersModel, run: () => void): void {
  const weights = model.weights.map((weight) => weight.read() as Variable);
  const layers = [...nodesIn(nodeOf(model))].map((node) => node as unknown as Partial<Stateful>);
  const stateful = layers.filter(({ states_ }) => Array.isArray(states_)) as Stateful[];
  tf.tidy(() => {
    const before = weights.map((weight) => ({ dataId: weight.dataId, copy: tf.clone<Tensor>(weight) }));
    const restore = stateful.map(noteStates);
    try {
      withSeed(0, run);
    } finally {
      weights.forEach((weight, i) => {
        const { dataId, copy } = before[i]!;
        if (weight.dataId !== dataId) weight.assign(copy);
      });
      for (const each of restore) each();
    }
  });
}

/** Notes the states of a layer. The result puts them back. */
function noteStates(layer: Stateful): () => void {
  const [states, kept] = [[...layer.states_], [...layer.keptStates]];
  const before = new Set([...states, ...kept.flat()]);
  return () => {
    tf.dispose([...layer.states_, ...layer.keptStates.flat()].filter((state) => !before.has(state)));
    layer.states_ = states;
    layer.keptStates = kept;
  };
}
