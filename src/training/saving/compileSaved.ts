import type { Optimizer, Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { inFunction } from '../../argumentError.js';
import { checkOptionNames, fail, show } from '../../checks.js';
import { acceptAnyTargets } from '../targets/acceptAnyTargets.js';
import type { Json } from './json.js';
import { checkLoaded, isLoadedFrom, restoreOptimizer } from './optimizerState.js';
import {
  isCompiled,
  lossByOutput,
  readSaved,
  reviveFunctions,
  type Compiled,
  type CompiledLoss,
  type WithMetadata,
} from './savedFunctions.js';
import { trainedIn } from './trainedWeights.js';

export interface CompileSavedOptions {
  /** Your own losses, by the names under which `namedLoss` bound them. */
  losses?: Record<string, (labels: Tensor, predictions: Tensor, options: never) => Tensor>;
  /** Your own metrics, by the names of their functions. */
  metrics?: Record<string, (labels: Tensor, predictions: Tensor) => Tensor>;
}

/** The losses that the model was compiled with, and the state saved with it. */
export interface CompiledSaved {
  /**
   * The losses, by the name of the output. One that is a `NamedLoss` has `set`, to change its options during training.
   */
  losses: Record<string, CompiledLoss>;
  /** A copy of the `state` that was passed to `saveModel`; undefined if there was none. */
  state: Json | undefined;
}

/**
 * Compiles a model that `saveModel` saved and `tf.loadLayersModel` loaded. It restores the losses, the metrics and the
 * state of the optimizer, so that training goes on as if it had not been interrupted. See saveModel.
 *
 * As after any load, `model.dispose()` does not dispose the optimizer; call `model.optimizer.dispose()`.
 *
 * @param model the model, right after `tf.loadLayersModel`
 * @returns the losses by output, and the state that was saved
 * @throws if saveModel did not write the file, a newer softseg wrote it (unknown losses or options), or it is damaged;
 * if a loss or metric of your own is missing in the options; or if the model has got another optimizer in the meantime.
 * The model is then unchanged
 *
 * @example
 * ```ts
 * const harder = (labels, predictions, { power }) => tf.pow(diceLoss(labels, predictions), power);
 * const model = tf.sequential({
 *   layers: [tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 3, padding: 'same' })],
 * });
 * model.compile({ optimizer: 'adam', loss: namedLoss('harder', { power: 2 }, harder), metrics: [iouScore] });
 * let file: tf.io.ModelArtifacts;
 * const handler = tf.io.withSaveHandler(async (artifacts) => ((file = artifacts), { modelArtifactsInfo: null! }));
 * await saveModel(model, handler);
 *
 * const again = await tf.loadLayersModel(tf.io.fromMemory(file!));
 * compileSaved(again, { losses: { harder } });
 * again.metricsNames; // loss, iouScore
 * compileSaved(again); // throws: is not softseg's; pass it
 * ```
 */
export function compileSaved(model: LayersModel, options: CompileSavedOptions = {}): CompiledSaved {
  return inFunction('compileSaved', () => {
    checkOptionNames(options, ['losses', 'metrics']);
    const { losses = {}, metrics = {} } = options;
    const saved = readSaved(checkModel(model));
    const state = copied(saved.state);
    const compiled = reviveFunctions(saved, { losses, metrics });
    if (!isCompiled(model) || !isLoadedFrom(model.optimizer, saved.optimizer)) {
      const now = (model.optimizer as Optimizer | undefined)?.getClassName();
      const both = `the file has the optimizer ${saved.optimizer.className}, the model has ${now}`;
      fail(`call it right after tf.loadLayersModel: ${both}`);
    }
    const trained = trainedIn(model, saved.trained);
    checkLoaded(model.optimizer, saved.optimizer, trained);

    const { loss, metrics: metricsBefore } = model as Compiled;
    const compile = (optimizer: Optimizer, args: unknown) => model.compile({ ...(args as object), optimizer } as never);
    const compileAsSaved = (optimizer: Optimizer) => {
      compile(optimizer, compiled);
      trained.apply();
      if (saved.anyTargets) acceptAnyTargets(model, { outputs: saved.anyTargets });
    };
    const before = model.optimizer;
    try {
      compileAsSaved(before);
    } catch (error) {
      trained.undo();
      compile(before, { loss, metrics: metricsBefore });
      throw error;
    }
    const optimizer = restoreOptimizer(before, saved.optimizer);
    if (optimizer !== before) compileAsSaved(optimizer);
    return { losses: lossByOutput(compiled.loss, model.outputNames), state };
  });
}

/** The `state` in a model's file, without compiling the model. */
export const stateOf = (model: WithMetadata): Json | undefined => copied(readSaved(model).state);

const copied = (state: Json | undefined): Json | undefined =>
  state === undefined ? undefined : (JSON.parse(JSON.stringify(state)) as Json);

function checkModel(model: LayersModel): LayersModel {
  if (typeof model?.getUserDefinedMetadata === 'function') return model;
  return fail(`model must be a model of tfjs-layers, got ${show(model)}`);
}
