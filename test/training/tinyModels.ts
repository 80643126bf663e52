/** Networks of dense layers on few pixels, with the same weights in every run. */
import { expect } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { Loss } from '../support/oracle.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomArray } from '../support/random.js';

export const FEATURES = 3;
const RATE = 0.5;

/** Logits [N, ...spatial, classes] from [N, ...spatial, FEATURES]. */
export function oneOutput(spatial: readonly number[], classes: number): tf.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.dense({ inputShape: [...spatial, FEATURES], units: classes, name: 'logits' }));
  return seeded(model);
}

/** The same network with the outputs `first` and `second`. */
export function twoOutputs(spatial: readonly number[], classes: readonly [number, number]): tf.LayersModel {
  const inputs = tf.input({ shape: [...spatial, FEATURES] });
  const output = (name: string, units: number) => tf.layers.dense({ units, name }).apply(inputs) as tf.SymbolicTensor;
  return seeded(tf.model({ inputs, outputs: [output('first', classes[0]), output('second', classes[1])] }));
}

function seeded(model: tf.LayersModel): tf.LayersModel {
  model.setWeights(model.getWeights().map(({ shape }, i) => toTensor(randomArray(shape, 40 + i, -1.5, 1.5))));
  return model;
}

/** Compiles the model with SGD for the time of `run`, then disposes model and optimizer. */
export async function training(
  model: tf.LayersModel,
  args: Omit<tf.ModelCompileArgs, 'optimizer'>,
  run: (model: tf.LayersModel) => Promise<void> | void,
): Promise<void> {
  const optimizer = tf.train.sgd(RATE);
  model.compile({ ...args, optimizer });
  await run(model);
  model.dispose();
  optimizer.dispose();
}

/** The value of a loss of the model's outputs, and the weights after one step of SGD, by hand. */
export function stepByHand(model: tf.LayersModel, x: tf.Tensor, loss: (outputs: tf.Tensor[]) => tf.Tensor) {
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { value, grads } = tf.variableGrads(() => {
    const outputs = model.apply(x, { training: true });
    return loss(Array.isArray(outputs) ? (outputs as tf.Tensor[]) : [outputs as tf.Tensor]) as tf.Scalar;
  }, variables);
  const weights = variables.map((variable) => tf.sub(variable, tf.mul(RATE, grads[variable.name]!)));
  return { value: value.dataSync()[0]!, weights };
}

export function expectWeights(model: tf.LayersModel, weights: readonly tf.Tensor[]): void {
  model.getWeights().forEach((weight, i) => expectClose(weight, weights[i]!));
}

/** Compares within the digits of float32. */
export function expectNumber(actual: number | undefined, expected: number): void {
  expect(Math.abs(actual! - expected)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected)));
}

export const numberOf = (x: tf.Tensor | readonly tf.Tensor[]): number =>
  (x instanceof tf.Tensor ? x : x[0]!).dataSync()[0]!;

/** A dataset of the samples, in batches of `size`. */
export function batchesOf(xs: tf.Tensor, ys: tf.Tensor, size: number) {
  const samples = xs.shape[0]!;
  const part = (x: tf.Tensor, at: number, count: number) =>
    tf.slice(x, [at, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
  return tf.data.generator(function* () {
    for (let at = 0; at < samples; at += size) {
      const count = Math.min(size, samples - at);
      yield { xs: part(xs, at, count), ys: part(ys, at, count) };
    }
  } as () => Iterator<{ xs: tf.Tensor; ys: tf.Tensor }> as never);
}

export type { Loss };
