import * as tf from '@tensorflow/tfjs';
import { ProgressLine } from 'softseg/node';
import type { Dataset } from './dataset.js';
import { clock } from './duration.js';
import { LOSSES, type LossName, lossFunction, type Shared } from './losses.js';
import type { Plan } from './plan.js';
import { predict } from './predict.js';
import { score, type Scores } from './scores.js';
import type { Tensors } from './tensors.js';
import { trainWithFit } from './trainWithFit.js';
import { trainWithLoop } from './trainWithLoop.js';
import { unet } from '../shared/unet.js';

const SCORE_EVERY = 5; // epochs
const PREDICT_BATCH = 8;

/** The result of training with one loss. */
export interface Outcome {
  loss: LossName;
  scores: Scores;
  /** The mean loss of each epoch. */
  curve: number[];
  seconds: number;
  /** tf.memory().numTensors after the first and the last epoch. */
  tensors: [number, number];
  /** Probabilities for the test images, padding included. */
  predictions: Float32Array;
}

/** Trains a network with each loss, from the same weights and on the same batches, and computes its scores. */
export const runExperiment = async (
  dataset: Dataset,
  { train, test, height, width }: Tensors,
  plan: Plan,
  shared: Shared,
): Promise<Outcome[]> => {
  const { channels, classes } = dataset;
  const truth = await test.ys.data();
  const began = performance.now();
  const outcomes: Outcome[] = [];

  for (const [done, name] of plan.losses.entries()) {
    const { title, trainedBy } = LOSSES[name];
    const line = new ProgressLine();
    const model = unet({ height, width, channels, classes: classes.length, levels: plan.levels }, plan.seed);
    const evaluate = async () => {
      const predictions = await predict(model, test.xs, PREDICT_BATCH);
      return { predictions, scores: score(predictions, truth, classes.length) };
    };
    const curve: number[] = [];
    const tensors: number[] = [];
    let latest = '';
    line.update(title, 0, 'starting');
    const start = performance.now();
    await (trainedBy === 'fit' ? trainWithFit : trainWithLoop)({
      ...plan,
      model,
      loss: lossFunction(name, shared),
      part: train,
      onEpoch: async (epoch, loss) => {
        curve.push(loss);
        tensors.push(tf.memory().numTensors);
        if (epoch % SCORE_EVERY === 0) latest = (await evaluate()).scores.softIou.toFixed(2);
        const share = (epoch + 1) / plan.epochs;
        const left = ((performance.now() - began) / 1000) * (plan.losses.length / (done + share) - 1);
        line.update(title, share, `loss ${loss.toFixed(2)} IoU ${latest} ${clock(left)} left`);
      },
    });
    const seconds = (performance.now() - start) / 1000;
    const { predictions, scores } = await evaluate();
    model.dispose();
    line.done(`${title}: loss ${curve.at(-1)!.toFixed(3)}, soft IoU ${scores.softIou.toFixed(3)}, ${clock(seconds)}`);
    outcomes.push({ loss: name, scores, curve, seconds, tensors: [tensors[0]!, tensors.at(-1)!], predictions });
  }
  return outcomes;
};
