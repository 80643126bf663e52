import { BackendError, InstallError } from 'softseg/node';
import { startBackend } from '../shared/backend.js';
import { bundledDataset } from './bundled.js';
import { clock } from './duration.js';
import { DataError, exitCode, linesOf, stackOf, UsageError } from '../shared/errors.js';
import { runExperiment } from './experiment.js';
import { folderDataset } from './folder.js';
import { demoOptions, help, type Options } from './options.js';
import { drawPicture } from './picture.js';
import { makePlan } from './plan.js';
import { scoresTable, untrainedTable } from './report.js';
import { resultsJson, writeResults } from './results.js';
import { makeTensors, UNLABELLED } from './tensors.js';
import { lossesOfLabels } from './untrained.js';
import { complain, say } from '../shared/output.js';
import { makeFolder } from '../shared/write.js';

const run = async (options: Options) => {
  const began = performance.now();
  const dataset = options.data === undefined ? bundledDataset() : await folderDataset(options.data, options);
  makeFolder(options.out);
  const { engine, notes } = await startBackend(options.backend);
  process.once('SIGINT', () => process.exit(130)); // comes between two steps, so no file is half written
  const { plan, notes: planNotes } = makePlan(options, engine);

  const { name, height, width, train, test, classes } = dataset;
  say(
    `${name}: ${train.length} images for training, ${test.length} for testing, ${width}x${height} (width x height)`,
    `classes: ${classes.join(', ')}`,
    ...dataset.notes.map((note) => `  ${note}`),
    `backend ${engine.backend} on ${engine.device}, version ${engine.version}`,
    ...[...notes, ...planNotes].map((note) => `  ${note}`),
    `U-Net of ${plan.levels.join('-')} channels, batches of ${plan.batchSize}, epochs: ${plan.epochs}`,
    '',
  );
  const tensors = makeTensors(dataset, 2 ** (plan.levels.length - 1));
  const shared = tensors.padded ? { ignoreLabel: UNLABELLED } : {};
  const untrained = await lossesOfLabels(tensors.test.ys, plan.losses, shared);
  say(...untrainedTable(untrained).split('\n'), '');

  const outcomes = await runExperiment(dataset, tensors, plan, shared);
  const labels = await tensors.test.ys.data();
  say(
    ...scoresTable(outcomes).split('\n'),
    '  For IoU higher is better (metric IoU trains directly for soft IoU); for the other three lower is better.',
    '',
  );
  const json = resultsJson(dataset, plan, engine, untrained, outcomes);
  const draw = () => drawPicture({ dataset, labels, outcomes, padded: tensors });
  say(...(await writeResults(options.out, json, draw)), `${clock((performance.now() - began) / 1000)} in all`);
};

try {
  const options = demoOptions(process.argv.slice(2));
  if (options === 'help') say(...help());
  else await run(options);
} catch (error) {
  const told = [UsageError, DataError, BackendError, InstallError].some((kind) => error instanceof kind);
  complain(...(told ? linesOf(error) : stackOf(error)));
  process.exitCode = exitCode(error);
}
