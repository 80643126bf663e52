/** Objects that functions take besides tensors: models, optimizers, accumulators. */
import * as tf from '@tensorflow/tfjs';
import * as softseg from '../support/allEntries.js';
import { twice } from './hostileValues.js';

const variable = () => tf.variable(tf.scalar(1.5), true, `fuzz${nextName++}`);
let nextName = 0;

function model(): tf.LayersModel {
  const made = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [null, 2], units: 2, kernelInitializer: 'ones' })],
  });
  made.compile({ optimizer: 'sgd', loss: softseg.iouLoss });
  return made;
}

/** Made once, because they hold tensors as long as they live. */
const SHARED = {
  'a compiled model': model,
  'a model': () => tf.sequential({ layers: [tf.layers.dense({ inputShape: [null, 2], units: 2 })] }),
  'a variable': variable,
  'an optimizer that stands still': () => tf.train.sgd(0),
  sgd: () => tf.train.sgd(0.1),
  adam: () => tf.train.adam(0.1),
} satisfies Record<string, () => unknown>;

/** Made for each call. */
const FRESH = {
  MeanIou: () => new softseg.MeanIou(),
  MeanDice: () => new softseg.MeanDice({ hard: true }),
  ConfusionMatrix: () => new softseg.ConfusionMatrix(),
  'a predictor': () => ({ predict: (xs: tf.Tensor) => tf.mul(xs, 2) }),
  'a network': () => (xs: tf.Tensor) => tf.mul(twice(xs), tf.mul(shared('a variable') as tf.Variable, 0.5)),
  'a handler': () =>
    tf.io.withSaveHandler(async () => ({
      modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' as const },
    })),
  'a target': () => ({ set: () => undefined }),
  'a named loss': () => softseg.namedLoss('diceLoss', { aggregate: 'batch' }),
} satisfies Record<string, () => unknown>;

export type InstanceName = keyof typeof SHARED | keyof typeof FRESH;

const made = new Map<string, unknown>();

function shared(name: keyof typeof SHARED): unknown {
  if (!made.has(name)) made.set(name, SHARED[name]());
  return made.get(name);
}

export function instanceNamed(name: InstanceName): unknown {
  return name in SHARED ? shared(name as keyof typeof SHARED) : FRESH[name as keyof typeof FRESH]();
}

/** Call it at the end of a test file. */
export function disposeInstances(): void {
  for (const instance of made.values()) (instance as { dispose(): void }).dispose();
  made.clear();
}
