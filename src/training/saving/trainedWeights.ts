/**
 * The weights that a compiled model trains, and those that are frozen. tfjs-layers saves `trainable` of layers, but not
 * that of models inside models. Nor does it save the weights that `compile` has collected to be trained; changes of
 * `trainable` after `compile` take effect only when it is called again.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fail, show, showShape } from '../../checks.js';
import { nodeOf, nodesIn, trainedModel, type Node, type Weight } from '../modelNodes.js';
import type { FilePart } from './filePart.js';
import { isInherited } from './json.js';

export interface SavedTrained {
  /** The names of the weights that the compiled model trains, in the order of the optimizer. */
  weights: string[];
  /** The names of weights whose own `trainable` is false, whether or not their layers are trainable. */
  frozenWeights: string[];
  /** The models inside the model that are not trainable, by their index in the order of `modelsIn`. */
  frozenModels: number[];
}

const modelsIn = (node: Node): Node[] => [...nodesIn(node)].filter(({ layers }) => Array.isArray(layers));

const shapesOf = (weights: readonly Weight[]): string[] => weights.map(({ shape }) => showShape(shape as number[]));

/** The shapes of the weights that a compiled model trains. */
export const trainedShapes = (model: LayersModel): string[] =>
  shapesOf(trainedModel(nodeOf(model)).collectedTrainableWeights ?? []);

/**
 * Throws if the file could not be loaded. tfjs-layers finds layers and weights by name when it loads a model, so two
 * weights must not have the same name, and no layer the name of a property that every object has.
 */
export function checkNames(model: LayersModel): void {
  for (const { name } of nodesIn(nodeOf(model))) {
    if (isInherited(name)) {
      fail(`no layer may be named ${show(name)}, which every object has as a property; give it another name`);
    }
  }
  const byName = new Map<string, Weight>();
  for (const weight of nodeOf(model).layers!.flatMap(({ weights }) => weights)) {
    const { originalName } = weight;
    const before = byName.get(originalName);
    if (before === weight) {
      const cure = 'keep the layer in only one of the inner models';
      fail(`the weight ${show(originalName)} is in the model twice, and tfjs cannot load such a file; ${cure}`);
    }
    if (before) fail(`two layers have the weight ${show(originalName)}; give them different names`);
    byName.set(originalName, weight);
  }
}

/** The trained and frozen weights, in the form of the file. @throws if they could not be restored */
export function describeTrained(model: LayersModel): SavedTrained {
  const node = nodeOf(model);
  const trained = trainedModel(node).collectedTrainableWeights ?? [];
  const inModel = new Set(node.weights);
  const gone = trained.find((weight) => !inModel.has(weight));
  if (gone) {
    fail(`the compiled model trains ${gone.originalName}, whose layer has left the model; call model.compile again`);
  }
  return {
    weights: trained.map(({ originalName }) => originalName),
    frozenWeights: node.weights.filter(({ trainable }) => !trainable).map(({ originalName }) => originalName),
    frozenModels: modelsIn(node).flatMap(({ trainable }, i) => (trainable ? [] : [i])),
  };
}

export function checkSavedTrained(part: FilePart): void {
  const { weights, frozenWeights, frozenModels } = part.fields(['weights', 'frozenWeights', 'frozenModels']);
  for (const names of [weights, frozenWeights]) {
    const given = names.list().map((name) => name.name());
    if (new Set(given).size < given.length) names.refuse('must be a list of different names');
  }
  for (const place of frozenModels.list()) place.integer(0, Number.MAX_SAFE_INTEGER);
}

/** The weights to train in a loaded model. */
export interface Trained {
  shapes: readonly string[];
  /** True if the weights come from the file; otherwise they are those that tfjs has collected. */
  isSaved: boolean;
  /** Call it after each compile, which collects weights anew, and unfreezes those of a sequential model. */
  apply(): void;
  undo(): void;
}

/**
 * @throws if the file names weights or models that the model does not have. Nothing is changed yet
 */
export function trainedIn(model: LayersModel, saved: SavedTrained | undefined): Trained {
  const node = nodeOf(model);
  if (!saved) return { shapes: shapesOf(trainedModel(node).trainableWeights), isSaved: false, apply() {}, undo() {} };
  const byName = new Map(node.weights.map((weight) => [weight.originalName, weight]));
  const named = (name: string): Weight =>
    byName.get(name) ?? fail(`the model's file is damaged or was changed: the model has no weight ${name}`);
  const weights = saved.weights.map(named);
  const frozen = new Set(saved.frozenWeights.map(named));
  const models = modelsIn(node);
  const none = saved.frozenModels.find((place) => place >= models.length);
  if (none !== undefined) {
    fail(`the model's file is damaged or was changed: model ${none} is frozen, but there are only ${models.length}`);
  }
  const modelsBefore = models.map(({ trainable }) => trainable);
  const weightsBefore = new Map([...byName.values()].map((weight) => [weight, weight.trainable]));
  const set = (modelIs: (i: number) => boolean, weightIs: (weight: Weight) => boolean) => {
    // Setting `trainable` of a model also sets that of its weights, so the weights come last.
    modelsIn(node).forEach((each, i) => (each.trainable = modelIs(i)));
    for (const weight of weightsBefore.keys()) weight.trainable = weightIs(weight);
  };
  return {
    shapes: shapesOf(weights),
    isSaved: true,
    apply() {
      set((i) => !saved.frozenModels.includes(i), (weight) => !frozen.has(weight)); // prettier-ignore
      trainedModel(node).collectedTrainableWeights = [...weights];
    },
    undo: () => set((i) => modelsBefore[i]!, (weight) => weightsBefore.get(weight)!), // prettier-ignore
  };
}
