import type { Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { nodeOf, trainedModel } from '../modelNodes.js';

export type Layer = LayersModel['layers'][number];

/** The layers of a model; undefined for a layer, even for one that has layers inside it. */
function layersOf(layer: Layer): Layer[] | undefined {
  const { layers, outputs } = layer as Layer & { layers?: Layer[]; outputs?: unknown };
  return Array.isArray(outputs) ? layers : undefined;
}

/**
 * The layers of a model and of the models inside it, with the text that messages use: name and class, after the names
 * of the models around the layer. A layer that is in several places has its first name.
 */
export function namedLayers(model: LayersModel): Map<Layer, string> {
  const found = new Map<Layer, string>();
  const add = (layer: Layer, path: string): void => {
    const inside = layersOf(layer);
    if (inside) for (const each of inside) add(each, `${path}${layer.name}/`);
    else if (!found.has(layer)) found.set(layer, `${path}${layer.name} (${layer.getClassName()})`);
  };
  for (const layer of model.layers) add(layer, '');
  return found;
}

/** The variables that `fit` trains: those that `compile` has collected, if it was called. */
export function trainedVariables(model: LayersModel): Variable[] {
  const { collectedTrainableWeights } = trainedModel(nodeOf(model));
  const weights = (collectedTrainableWeights as LayersModel['weights'] | undefined) ?? model.trainableWeights;
  // read() returns the variable itself.
  return weights.map((weight) => weight.read() as Variable);
}
