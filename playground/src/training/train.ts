/** One training run, from the initial weights to the last epoch, or until it is stopped. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { kernelsInUse, sparsemax, entmax15, softOneHot, softThreshold } from 'softseg';
import { MeanIou } from 'softseg/metrics';
import { cosineSchedule } from 'softseg/training';
import { shuffled } from '../../../examples/brain/random.js';
import { unet } from '../../../examples/shared/unet.js';
import { lossOf } from '../losses/build.js';
import type { Settings } from '../losses/catalogue.js';
import { startBackend } from './backends.js';
import type { Data, Slice } from './data.js';
import { CLASSES, HEIGHT, SLICE_PIXELS, WIDTH, type FromWorker, type Plan, type Scores } from './messages.js';

const LEVELS = [8, 16, 32];
const BATCH = 4;
const SEED = 1;
/** The number of steps between two updates of the predictions on the page. */
const SHOW_EVERY = 4;

/** How the page controls a training run. */
export interface RunControl {
  stopped: boolean;
  /** Resolved, except while the training is paused. */
  resumed: Promise<void>;
}

type Tell = (message: FromWorker) => void;

/** Gives messages from the page a chance to arrive. */
const receiveMessages = () => new Promise<void>((resolve) => setTimeout(resolve));

export async function train(data: Data, plan: Plan, control: RunControl, tell: Tell): Promise<void> {
  await startBackend(plan.backend);
  const before = tf.memory().numTensors;
  const [xs, ys, testXs, testYs] = tensors(data);
  const model = unet({ height: HEIGHT, width: WIDTH, channels: 1, classes: CLASSES, levels: LEVELS }, SEED);
  const optimizer = tf.train.adam(plan.learningRate);
  try {
    const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const loss = lossOf(plan.spec, CLASSES);
    const forward = (x: Tensor) => model.apply(x, { training: true }) as Tensor;
    const perEpoch = Math.ceil(data.train.length / BATCH);
    const steps = plan.epochs * perEpoch;
    const rate = cosineSchedule({ from: plan.learningRate, to: 0, steps });
    tell({ type: 'began', steps, stepsPerEpoch: perEpoch, kernels: kernelsInUse() });
    const show = async () =>
      tell({ type: 'predicted', probabilities: await predictions(forward, testXs, plan.spec.settings) });
    await show();
    const start = performance.now();
    for (let step = 0; step < steps && !control.stopped; step++) {
      Object.assign(optimizer, { learningRate: rate(step) });
      const order = shuffled(data.train.length, SEED + Math.floor(step / perEpoch));
      const at = (step % perEpoch) * BATCH;
      const value = tf.tidy(() => {
        const rows = tf.tensor1d(order.slice(at, at + BATCH), 'int32');
        const [x, y] = [tf.gather(xs, rows), tf.gather(ys, rows)];
        return optimizer.minimize(() => loss(y, forward(x)), true, weights)!;
      });
      tell({ type: 'step', step: step + 1, loss: await read(value) });
      if ((step + 1) % SHOW_EVERY === 0) await show();
      if ((step + 1) % perEpoch === 0) {
        const scores = await score(forward, testXs, testYs, plan.spec.settings);
        const [epoch, seconds] = [(step + 1) / perEpoch, (performance.now() - start) / 1000];
        tell({ type: 'epoch', epoch, scores, tensors: tf.memory().numTensors, seconds });
      }
      await receiveMessages();
      await control.resumed;
    }
  } finally {
    tf.dispose([xs, ys, testXs, testYs]);
    optimizer.dispose();
    model.dispose();
  }
  tell({ type: 'ended', finished: !control.stopped, tensors: tf.memory().numTensors - before });
}

async function read(value: Scalar): Promise<number> {
  const [number] = await value.data();
  value.dispose();
  return number!;
}

/** Images, standardized by the mean and variance of the training images, and their labels. */
function tensors({ train: slices, test }: Data): [Tensor, Tensor, Tensor, Tensor] {
  const values = slices.map(({ image }) => image);
  const count = slices.length * SLICE_PIXELS;
  const mean = values.reduce((sum, image) => sum + image.reduce((a, b) => a + b, 0), 0) / count;
  const variance = values.reduce((sum, image) => sum + image.reduce((a, b) => a + (b - mean) ** 2, 0), 0) / count;
  const stack = (all: Float32Array[], channels: number) => {
    const flat = new Float32Array(all.length * SLICE_PIXELS * channels);
    all.forEach((one, i) => flat.set(one, i * SLICE_PIXELS * channels));
    return tf.tensor(flat, [all.length, HEIGHT, WIDTH, channels]);
  };
  const images = (some: Slice[]) =>
    stack(
      some.map(({ image }) => image.map((value) => (value - mean) / Math.sqrt(variance))),
      1,
    );
  const labels = (some: Slice[]) =>
    stack(
      some.map((slice) => slice.labels),
      CLASSES,
    );
  return [images(slices), labels(slices), images(test), labels(test)];
}

/** The probabilities of the classes, with the activation of the loss. */
function activate(logits: Tensor, { activation, sharpness = 1 }: Settings): Tensor {
  if (activation === 'sparsemax') return sparsemax(logits);
  if (activation === 'entmax15') return entmax15(logits);
  const options = { sharpness: Number(sharpness) };
  return activation === 'sigmoid' ? softThreshold(logits, options) : softOneHot(logits, options);
}

/** Predictions for every second test slice, which is one of each block. */
async function predictions(forward: (x: Tensor) => Tensor, xs: Tensor, settings: Settings): Promise<Float32Array[]> {
  const shown = Array.from({ length: xs.shape[0]! / 2 }, (_, i) => 2 * i);
  const p = tf.tidy(() => activate(forward(tf.gather(xs, tf.tensor1d(shown, 'int32'))), settings));
  const all = await p.data<'float32'>();
  p.dispose();
  const size = SLICE_PIXELS * CLASSES;
  return shown.map((_, i) => all.slice(i * size, (i + 1) * size));
}

async function score(forward: (x: Tensor) => Tensor, xs: Tensor, ys: Tensor, settings: Settings): Promise<Scores> {
  const p = tf.tidy(() => activate(forward(xs), settings));
  const [soft, hard] = [new MeanIou({ activation: 'none' }), new MeanIou({ activation: 'none', hard: true })];
  await soft.updateAsync(ys, p);
  await hard.updateAsync(ys, p);
  p.dispose();
  return { softIou: soft.result(), hardIou: hard.result() };
}
