/** Models and layers of tfjs-layers with their private fields, for code that finds no public way. */
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** A weight of a layer, as in tfjs-layers 4.22. */
export interface Weight {
  readonly originalName: string;
  readonly shape: readonly (number | null)[];
  trainable: boolean;
}

/** Fields of models and layers, including private ones. */
export interface Node {
  name: string;
  trainable: boolean;
  weights: Weight[];
  trainableWeights: Weight[];
  layers?: Node[];
  /** A sequential model trains through an inner model. */
  model?: Node;
  collectedTrainableWeights?: Weight[];
  /** The layers inside a wrapper layer. */
  layer?: Node;
  forwardLayer?: Node;
  backwardLayer?: Node;
}

export const nodeOf = (model: LayersModel) => model as unknown as Node;

/** The model that holds the weights collected by `compile`. */
export const trainedModel = (model: Node) => model.model ?? model;

/** The model, and all layers and models inside it, each once, always in the same order. */
export function nodesIn(node: Node, found: Set<Node> = new Set()): Set<Node> {
  if (found.has(node)) return found;
  found.add(node);
  const inside = [node.model, ...(node.layers ?? []), node.layer, node.forwardLayer, node.backwardLayer];
  for (const each of inside) if (each) nodesIn(each, found);
  return found;
}
