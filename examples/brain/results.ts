import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import type { Engine } from 'softseg/node';
import type { Dataset } from './dataset.js';
import type { Outcome } from './experiment.js';
import { LOSSES } from './losses.js';
import type { Plan } from './plan.js';
import type { Untrained } from './untrained.js';

/** All of a run but its arrays, as JSON. */
export const resultsJson = (
  dataset: Dataset,
  plan: Plan,
  { backend, device, version }: Engine,
  untrained: Untrained[],
  outcomes: Outcome[],
): string => {
  const softseg = (createRequire(import.meta.url)('softseg/package.json') as { version: string }).version;
  const { name, height, width, channels, classes, train, test, notes } = dataset;
  const results = {
    data: { name, height, width, channels, classes, train: train.length, test: test.length, notes },
    plan,
    backend: { backend, device, version },
    versions: { softseg, tfjs: tf.version.tfjs, node: process.versions.node },
    untrained,
    losses: outcomes.map(({ loss, scores, curve, seconds, tensors }) => ({
      loss,
      trainedBy: LOSSES[loss].trainedBy,
      scores,
      curve,
      seconds,
      tensors: { afterFirstEpoch: tensors[0], afterLastEpoch: tensors[1] },
    })),
  };
  return `${JSON.stringify(results, null, 2)}\n`;
};
