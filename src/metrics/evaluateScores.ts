import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inAsyncFunction } from '../argumentError.js';
import { checkInteger, checkOptionNames, checkTensor, fail, show, showShape } from '../checks.js';
import { Accumulator } from './accumulator.js';

/** A model: a `tf.LayersModel` or a `tf.GraphModel` with one output, or anything else with a `predict`. */
export interface Predictor {
  predict(inputs: Tensor, options?: { batchSize?: number }): unknown;
}

/** Inputs and labels as tensors; `mask` holds the pixel weights, if there are any. */
export interface ScoredTensors {
  xs: Tensor;
  ys: Tensor;
  mask?: Tensor;
}

/** Batches of such tensors, for instance a `tf.data.Dataset`. Its tensors are disposed once they are scored. */
export interface ScoredDataset {
  iterator(): Promise<{ next(): Promise<IteratorResult<unknown, unknown>> }>;
}

export interface EvaluateScoresOptions {
  /** The number of samples predicted at once, if the data are tensors. Default 32. */
  batchSize?: number;
}

/** Accumulators, by the names of their results. */
export type Accumulators = Record<string, Accumulator>;

/**
 * Scores a model's predictions: resets the accumulators, predicts the data batch by batch, and updates them with each
 * batch. Tensors are read back asynchronously, so it also works on WebGPU.
 *
 * @param model a model with one output, or anything with a `predict`
 * @param data `{ xs, ys }` or `{ xs, ys, mask }` with all samples, or a `tf.data.Dataset` of batches of that form
 * @param accumulators the accumulators, by name
 * @returns the results by name; the parts of a result that has several are named `name_part`
 * @throws if data, accumulators or options do not fit
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [5, 4], units: 3 })] });
 * const data = { xs: tf.randomNormal([8, 5, 4]), ys: tf.zeros([8, 5], 'int32') };
 * const accumulators = { iou: new MeanIou({ hard: true }), matrix: new ConfusionMatrix() };
 * const scores = await evaluateScores(model, data, accumulators);
 * scores['iou']; // = scores['matrix_meanIou']
 * ```
 */
export function evaluateScores(
  model: Predictor,
  data: ScoredTensors | ScoredDataset,
  accumulators: Accumulators,
  options: EvaluateScoresOptions = {},
): Promise<Record<string, number>> {
  return inAsyncFunction('evaluateScores', async () => {
    checkOptionNames(options, ['batchSize']);
    checkEvaluation(model, data, accumulators, options);
    return evaluate(model, data, accumulators, options);
  });
}

export function checkEvaluation(
  model: Predictor,
  data: ScoredTensors | ScoredDataset,
  accumulators: Accumulators,
  { batchSize = 32 }: EvaluateScoresOptions,
): void {
  if (typeof model?.predict !== 'function') fail(`model must have a function predict, got ${show(model)}`);
  checkInteger('batchSize', batchSize, 1);
  const entries = typeof accumulators === 'object' && accumulators !== null ? Object.entries(accumulators) : [];
  if (entries.length === 0) fail(`accumulators must be an object of accumulators by name, got ${show(accumulators)}`);
  for (const [name, accumulator] of entries) {
    if (!(accumulator instanceof Accumulator))
      fail(`accumulators.${name} must be an accumulator, got ${show(accumulator)}`);
  }
  if (!isDataset(data)) checkBatch(data);
}

export async function evaluate(
  model: Predictor,
  data: ScoredTensors | ScoredDataset,
  accumulators: Accumulators,
  { batchSize = 32 }: EvaluateScoresOptions,
): Promise<Record<string, number>> {
  const all = Object.values(accumulators);
  for (const accumulator of all) accumulator.reset();
  for await (const batch of isDataset(data) ? batchesOf(data) : slicesOf(data, batchSize)) {
    try {
      await see(model, batch, all);
    } finally {
      tf.dispose(batch as unknown as tf.TensorContainer);
    }
  }
  return resultsOf(accumulators);
}

async function see(model: Predictor, { xs, ys, mask }: ScoredTensors, all: Accumulator[]): Promise<void> {
  const predictions = tf.tidy(() => {
    const output = model.predict(xs, { batchSize: xs.shape[0]! });
    checkTensor(`the model's prediction`, output);
    return output;
  });
  try {
    // All of them start before the first is awaited, so that a GPU is waited for once.
    const updates = all.map((accumulator) => accumulator.updateAsync(ys, predictions, mask ? { mask } : {}));
    const refused = (await Promise.allSettled(updates)).find((update) => update.status === 'rejected');
    if (refused) throw refused.reason;
  } finally {
    predictions.dispose();
  }
}

function* slicesOf({ xs, ys, mask }: ScoredTensors, batchSize: number): Generator<ScoredTensors> {
  for (let start = 0; start < xs.shape[0]!; start += batchSize) {
    const size = Math.min(batchSize, xs.shape[0]! - start);
    const part = (x: Tensor) => tf.slice(x, start, size);
    yield { xs: part(xs), ys: part(ys), ...(mask && { mask: part(mask) }) };
  }
}

async function* batchesOf(data: ScoredDataset): AsyncGenerator<ScoredTensors> {
  const iterator = await data.iterator();
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    const batch = next.value as ScoredTensors;
    try {
      checkBatch(batch);
    } catch (error) {
      tf.dispose(batch as unknown as tf.TensorContainer);
      throw error;
    }
    yield batch;
  }
}

function isDataset(data: ScoredTensors | ScoredDataset): data is ScoredDataset {
  return typeof (data as ScoredDataset)?.iterator === 'function';
}

function checkBatch(data: ScoredTensors): void {
  if (typeof data !== 'object' || data === null)
    fail(`data must be { xs, ys } or a dataset of such batches, got ${show(data)}`);
  const { xs, ys, mask } = data;
  checkTensor('data.xs', xs);
  for (const [name, tensor] of Object.entries({ ys, ...(mask !== undefined && { mask }) })) {
    checkTensor(`data.${name}`, tensor);
    if (tensor.shape[0] !== xs.shape[0]) {
      fail(`data.xs ${showShape(xs.shape)} and data.${name} ${showShape(tensor.shape)} differ in samples`);
    }
  }
}

function resultsOf(accumulators: Accumulators): Record<string, number> {
  const results: Record<string, number> = {};
  for (const [name, accumulator] of Object.entries(accumulators)) {
    const result = accumulator.result();
    if (typeof result === 'number') results[name] = result;
    else for (const [part, value] of Object.entries(result as object)) results[`${name}_${part}`] = value as number;
  }
  return results;
}
