import * as tf from '@tensorflow/tfjs-core';
import type { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { inAsyncFunction, withName } from '../../argumentError.js';
import { checkOptionNames, fail, show } from '../../checks.js';
import { freedOutputs } from '../targets/acceptAnyTargets.js';
import { checkSaved, VERSION } from './checkSaved.js';
import { checkJson, type Json } from './json.js';
import { checkState, isCarried, readOptimizer } from './optimizerState.js';
import type { SavedTraining } from './savedFormat.js';
import { describeFunctions, isCompiled, KEY, lossByOutput, metadataOf } from './savedFunctions.js';
import { checkNames, describeTrained, trainedShapes } from './trainedWeights.js';

export interface SaveModelOptions {
  /** Any value of yours that JSON can hold, such as `{ epoch: 3 }`; `compileSaved` returns it. */
  state?: Json;
}

/**
 * Saves a model with everything that training needs to go on: its weights, the state of its optimizer, its losses with
 * their options, its metrics, which weights are trained, and the effect of `acceptAnyTargets`. `tf.loadLayersModel`
 * loads the model, and `compileSaved` restores the rest. With each optimizer of tfjs, the next steps are then bit for
 * bit those of a run without the interruption.
 *
 * `model.save(..., { includeOptimizer: true })` is not enough: it drops losses that are functions, or throws; it throws
 * for Adamax, and restores Adam inexactly.
 *
 * The state saved is that at the moment of the call; training may go on while it is written. The format is that of
 * tfjs-layers, and works with every handler; softseg's part is in `userDefinedMetadata.softseg`. A loaded model whose
 * losses are functions can predict at once, but throws in training until compileSaved is called.
 *
 * A loss needs a name: pass a loss of softseg directly, or, if it has options or is your own, as a `namedLoss`. Options
 * are saved with their current values. Metrics of your own are saved by the name of their function. Weights of layers
 * outside the model are not saved, nor is the state of random numbers, so dropout continues differently.
 *
 * @param model a compiled model of tfjs-layers
 * @param to the same as for `model.save`: `'file:///...'`, `'indexeddb://...'`, `modelFiles(folder)`, ...
 * @returns the result of the handler
 * @throws (rejects) if the model is not compiled, a loss has no name, the optimizer cannot be saved or its state does
 * not fit the trained weights, two layers have weights of the same name, JSON cannot hold `state`, or the handler
 * fails. The model is then unchanged
 *
 * @example
 * ```ts
 * const model = tf.sequential({
 *   layers: [tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 3, padding: 'same' })],
 * });
 * model.compile({ optimizer: 'adam', loss: namedLoss('diceLoss', { aggregate: 'batch' }) });
 * let file: tf.io.ModelArtifacts;
 * const handler = tf.io.withSaveHandler(async (artifacts) => ((file = artifacts), { modelArtifactsInfo: null! }));
 * await saveModel(model, handler, { state: { epoch: 3 } });
 *
 * const again = await tf.loadLayersModel(tf.io.fromMemory(file!));
 * const { losses, state } = compileSaved(again);
 * losses['conv2d_Conv2D1'].options; // { aggregate: 'batch' }
 * state; // { epoch: 3 }
 * ```
 */
export function saveModel(
  model: LayersModel,
  to: string | io.IOHandler,
  options: SaveModelOptions = {},
): Promise<io.SaveResult> {
  return inAsyncFunction('saveModel', async () => {
    checkOptionNames(options, ['state'], ['state']);
    if (typeof model?.save !== 'function' || typeof model.compile !== 'function') {
      fail(`model must be a model of tfjs-layers, got ${show(model)}`);
    }
    if (!isCompiled(model)) fail('the model must be compiled; use model.save for one that is not');
    if (options.state !== undefined) checkJson('state', options.state);
    const save = resolveSave(to);

    // The state of the model is read from here to the first await.
    checkNames(model);
    const functions = describeFunctions(model);
    const trained = describeTrained(model);
    checkState(model.optimizer, trainedShapes(model));
    const anyTargets = freedOutputs(model);
    const outputNames = [...model.outputNames];
    const metadata = { ...metadataOf(model) };
    const names = new Set(model.weights.map((weight) => weight.originalName));
    const readingOptimizer = readOptimizer(model.optimizer, names);
    const [artifacts, optimizer] = await Promise.all([readModel(model), readingOptimizer]);

    const saved: SavedTraining = { version: VERSION, ...functions, optimizer: optimizer.saved, trained };
    if (anyTargets.length > 0) saved.anyTargets = anyTargets;
    if (options.state !== undefined) saved.state = options.state;
    checkSaved(saved); // so that everything written can be read
    return save({
      ...artifacts,
      userDefinedMetadata: { ...metadata, [KEY]: saved },
      trainingConfig: {
        ...compileArgs(saved, outputNames),
        optimizer_config: optimizer.trainingConfig,
      } as unknown as io.TrainingConfig,
      weightSpecs: [...artifacts.weightSpecs!, ...optimizer.weights.specs],
      weightData: tf.io.CompositeArrayBuffer.join([
        tf.io.CompositeArrayBuffer.join(artifacts.weightData),
        optimizer.weights.data,
      ]),
    });
  });
}

/** The artifacts that tfjs-layers saves, without the optimizer. */
async function readModel(model: LayersModel): Promise<io.ModelArtifacts> {
  let artifacts: io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(given) };
    }),
  );
  return artifacts!;
}

/**
 * The losses and metrics with which tfjs-layers compiles the model when it loads it. If all losses are those of tfjs,
 * it gets them. Otherwise each loss is an empty list: it loads without an error, but training with it fails, because it
 * is not a function. compileSaved then sets the real losses.
 */
function compileArgs({ loss, metrics, optimizer }: SavedTraining, outputNames: readonly string[]) {
  const losses = lossByOutput(loss, outputNames);
  if (isCarried(optimizer) || Object.values(losses).some((one) => typeof one !== 'string')) {
    return { loss: Object.fromEntries(outputNames.map((name) => [name, []])) };
  }
  const list = typeof metrics === 'string' ? [metrics] : metrics;
  const allFromTfjs = Array.isArray(list) && list.every((metric) => typeof metric === 'string');
  return { loss: losses, ...(allFromTfjs && { metrics: list as string[] }) };
}

function resolveSave(to: unknown): (artifacts: io.ModelArtifacts) => Promise<io.SaveResult> {
  const [handler, second] = typeof to === 'string' ? tf.io.getSaveHandlers(to) : [to as io.IOHandler | undefined];
  if (second) fail(`more than one handler of tfjs saves to ${show(to)}`);
  if (typeof handler?.save === 'function') {
    if (typeof to !== 'string') return (artifacts) => handler.save!(artifacts);
    return async (artifacts) => {
      try {
        return await handler.save!(artifacts);
      } catch (cause) {
        throw withName(new Error(`cannot save to ${show(to)}: ${(cause as Error).message}`, { cause }));
      }
    };
  }
  return fail(
    typeof to === 'string'
      ? `no handler of tfjs saves to ${show(to)}; file:// needs tfjs-node, and on other backends in Node ` +
          `modelFiles(folder) of softseg/node writes files`
      : `to must be a URL or an IOHandler with a method save, got ${show(to)}`,
  );
}
