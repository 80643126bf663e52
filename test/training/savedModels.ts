/** Saves models to memory in the form of files, and loads them again. */
import { expect, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { compileSaved, saveModel, type CompileSavedOptions, type SaveModelOptions } from '../../src/training/index.js';
import { toTensor } from '../support/compare.js';
import { randomArray } from '../support/random.js';

export const CLASSES = 2;
export const SPATIAL = [3, 3];
const SAMPLES = 3;
const FEATURES = 3;

/** A handler that keeps the last saved model; everything except weights goes through JSON, as in a file. */
export function memory() {
  let file: tf.io.ModelArtifacts | undefined;
  return {
    file: () => file!,
    save: async ({ weightData, ...rest }: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> => {
      const data = tf.io.CompositeArrayBuffer.join(weightData).slice(0);
      file = { ...(JSON.parse(JSON.stringify(rest)) as tf.io.ModelArtifacts), weightData: data };
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(file) };
    },
    load: async (): Promise<tf.io.ModelArtifacts> => structuredCopy(file!),
  };
}

function structuredCopy({ weightData, ...rest }: tf.io.ModelArtifacts): tf.io.ModelArtifacts {
  const copy = JSON.parse(JSON.stringify(rest)) as tf.io.ModelArtifacts;
  return { ...copy, weightData: tf.io.CompositeArrayBuffer.join(weightData).slice(0) };
}

/** Saves and loads a model; there must be no warnings. */
export async function reload(model: tf.LayersModel, options?: SaveModelOptions): Promise<tf.LayersModel> {
  const file = memory();
  await saveModel(model, file, options);
  return loadSilently(file);
}

export async function loadSilently(file: tf.io.IOHandler): Promise<tf.LayersModel> {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
  const loaded = await tf.loadLayersModel(file);
  expect(warn.mock.calls).toEqual([]);
  warn.mockRestore();
  return loaded;
}

export async function resume(model: tf.LayersModel, options: CompileSavedOptions = {}): Promise<tf.LayersModel> {
  const loaded = await reload(model);
  compileSaved(loaded, options);
  return loaded;
}

/** Trains on the batches with numbers `from` to `to` - 1, each with its own data. */
export async function train(model: tf.LayersModel, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) {
    const x = toTensor(randomArray([SAMPLES, ...SPATIAL, FEATURES], 100 + step, -1, 1));
    const labels = model.outputs.map((_, i) =>
      tf.tidy(() => tf.softmax(toTensor(randomArray([SAMPLES, ...SPATIAL, CLASSES], 200 + 9 * step + i, -3, 3)))),
    );
    await model.trainOnBatch(x, labels.length === 1 ? labels[0]! : labels);
    tf.dispose([x, ...labels]);
  }
}

export const weightsOf = (model: tf.LayersModel): number[][] => model.getWeights().map((w) => [...w.dataSync()]);

/** Disposes models and their optimizers, with the tensors that tfjs's own dispose of SGD with momentum forgets. */
export function discard(...models: tf.LayersModel[]): void {
  for (const model of models) {
    const { optimizer } = model as { optimizer: (tf.Optimizer & { c?: tf.Tensor }) | undefined };
    model.dispose();
    // tfjs's fields are null if nothing was learned.
    optimizer?.dispose();
    optimizer?.c?.dispose();
  }
}
