import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import type { Engine } from 'softseg/node';
import type { Dataset } from './dataset.js';
import type { Outcome } from './experiment.js';
import { LOSSES } from './losses.js';
import type { Plan } from './plan.js';
import { DataError, message } from '../shared/errors.js';
import { removeFile, writeTogether } from '../shared/write.js';
import type { Untrained } from './untrained.js';

/** Everything about a run except its arrays, as JSON. */
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

/**
 * Writes the results and the picture, and returns their paths. If the picture cannot be drawn, the results are written
 * before the error is thrown, and the picture of an earlier run is removed, because it does not belong to them.
 */
export const writeResults = async (
  folder: string,
  json: string,
  draw: () => Promise<Uint8Array>,
): Promise<string[]> => {
  const picture = await draw().catch((error: unknown) => {
    const [path] = writeTogether(folder, { 'results.json': json });
    removeFile(folder, 'picture.png');
    throw new DataError(`${folder}: the picture cannot be drawn (${message(error)}); the results are in ${path}`);
  });
  return writeTogether(folder, { 'picture.png': picture, 'results.json': json });
};
