/**
 * Models and checkpoints whose files are damaged in each byte, cut off at each length, or edited by hand: either the
 * loaded model is the saved one, or an error says which file is wrong and how. No tensor stays behind.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-node';
import { iouScore } from '../../src/metrics/index.js';
import { acceptAnyTargets, compileSaved, namedLoss, saveModel, type NamedLoss } from '../../src/training/index.js';
import { latestCheckpoint, saveCheckpoint } from '../../src/node/checkpoints.js';
import { modelFiles } from '../../src/node/modelFiles.js';
import { damaged, wholeCorpus } from '../damage/damaged.js';

jest.setTimeout(600_000);

let root: string;
let whole: tf.LayersModel;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'softseg-damaged-'));
  const dense = tf.layers.dense({ inputShape: [3], units: 2, name: 'logits' });
  whole = tf.sequential({ layers: [dense], name: 'small' });
  const loss = namedLoss('diceLoss', { aggregate: 'batch', smooth: 0.5 });
  whole.compile({ optimizer: tf.train.adam(0.1), loss, metrics: [iouScore] });
  acceptAnyTargets(whole);
  await step(whole);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
let warn: jest.Spied<typeof console.warn>;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => warn.mockRestore());

async function step(model: tf.LayersModel): Promise<void> {
  const labels = tf.tidy(() => tf.softmax(tf.ones([4, 2])));
  const values = await model.trainOnBatch(tf.ones([4, 3]), labels);
  tf.dispose([values as never, labels]);
}

/** All bits of the state from which training continues. */
function bitsOf(model: tf.LayersModel): unknown {
  const fields = model.optimizer as unknown as Record<string, tf.Tensor> & Record<string, { variable: tf.Tensor }[]>;
  const slots = ['accumulatedFirstMoment', 'accumulatedSecondMoment'].flatMap((name) => fields[name]!);
  const scalars = ['accBeta1', 'accBeta2'].map((name) => fields[name]!);
  const tensors = [...model.getWeights(), ...slots.map(({ variable }) => variable), ...scalars];
  const numbers = tensors.map((tensor) => [...tensor.dataSync()]);
  return [numbers, model.optimizer.iterations, model.optimizer.getConfig(), model.metricsNames];
}

const held = () => [tf.memory().numTensors, (tf.backend() as unknown as { numDataIds(): number }).numDataIds()];

function discard(model: tf.LayersModel): void {
  model.dispose();
  model.optimizer.dispose();
}

/** Replaces the bytes of a file while `run` runs. */
async function withBytes<T>(file: string, bytes: Uint8Array, run: () => Promise<T>): Promise<T> {
  const before = readFileSync(file);
  writeFileSync(file, bytes);
  try {
    return await run();
  } finally {
    writeFileSync(file, before);
  }
}

const errorOf = (result: Promise<unknown>): Promise<Error | null> =>
  result.then(
    () => null,
    (error: Error) => error,
  );

/** Checks that the error has a readable message that names the function and the folder, and is not an internal one. */
function expectClear(what: string, error: Error | null, fn: string): void {
  const message = error?.message ?? 'no error';
  const clear = message.startsWith(`${fn}: `) && message.includes(folder) && message.length < 2000;
  expect([what, clear ? 'clear' : message]).toEqual([what, 'clear']);
}

test('a model with any byte flipped or any file cut off is refused, and nothing is kept', async () => {
  await saveModel(whole, modelFiles(folder), { state: { best: 0.5 } });
  const before = held();
  let cases = 0;
  for (const name of readdirSync(folder)) {
    for (const { what, bytes } of damaged(readFileSync(join(folder, name)))) {
      const error = await withBytes(join(folder, name), bytes, () => errorOf(modelFiles(folder).load!()));
      expectClear(`${name}: ${what}`, error, 'modelFiles');
      expect(error!.message).toContain(join(folder, name));
      cases++;
    }
  }
  expect(held()).toEqual(before);
  if (wholeCorpus) console.log(`${cases} cases of a model`);
  const again = await tf.loadLayersModel(modelFiles(folder));
  compileSaved(again);
  expect(bitsOf(again)).toEqual(bitsOf(whole));
  discard(again);
  expect(held()).toEqual(before);
});

test('a model.json edited by hand is loaded once its hash is removed, and the weights are still checked', async () => {
  await saveModel(whole, modelFiles(folder));
  const [json, weights] = readdirSync(folder).toSorted() as [string, string];
  const text = readFileSync(join(folder, json), 'utf8').replace('"smooth":0.5', '"smooth":0.25');
  writeFileSync(join(folder, json), text);
  const hint = 'if it was changed on purpose, remove its fields "checked" and "sha256"';
  expect((await errorOf(modelFiles(folder).load!()))!.message).toContain(hint);
  writeFileSync(
    join(folder, json),
    text.replace('"checked":"sha256",', '').replace(/,"sha256":"[0-9a-f]{64}"\}$/, '}'),
  );
  const again = await tf.loadLayersModel(modelFiles(folder));
  const { losses } = compileSaved(again);
  expect((losses['logits'] as NamedLoss).options).toEqual({ aggregate: 'batch', smooth: 0.25 });
  discard(again);
  for (const { what, bytes } of damaged(readFileSync(join(folder, weights)), { some: 3, most: 3 })) {
    const error = await withBytes(join(folder, weights), bytes, () => errorOf(modelFiles(folder).load!()));
    expectClear(what, error, 'modelFiles');
  }
});

test('a byte order mark, or a line break at the end, does not damage a model.json', async () => {
  await saveModel(whole, modelFiles(folder));
  const path = join(folder, 'model.json');
  const sealed = readFileSync(path, 'utf8');
  const unsealed = sealed.replace('"checked":"sha256",', '').replace(/,"sha256":"[0-9a-f]{64}"\}$/, '}');
  for (const text of [sealed, unsealed]) {
    for (const changed of [`${text}\n`, `${text}\r\n \t\n`, `\ufeff${text}`, `\ufeff${text}\n`]) {
      writeFileSync(path, changed);
      const again = await tf.loadLayersModel(modelFiles(folder));
      compileSaved(again);
      expect(bitsOf(again)).toEqual(bitsOf(whole));
      discard(again);
    }
  }
  // The hash is still compared.
  writeFileSync(path, `${sealed.replace('"smooth":0.5', '"smooth":0.25')}\n`);
  expect((await errorOf(modelFiles(folder).load!()))!.message).toContain('it has the sha256');
});

test.each<[string, (text: string) => string, string]>([
  ['nothing', () => '', 'it is empty'],
  ['the begin', (text) => text.slice(0, 7), 'it was cut off after 7 bytes'],
  [
    'a part',
    (text) => text.slice(0, 500),
    'it has no sha256 at its end: it was cut off after 500 bytes, or its end was',
  ],
  ['all but the begin', (text) => text.replace('"checked":"sha256",', ''), 'does not begin with "checked"'],
])('a model.json with %s of its text is reported as such', async (_, change, message) => {
  await saveModel(whole, modelFiles(folder));
  const path = join(folder, 'model.json');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
  const error = (await errorOf(modelFiles(folder).load!()))!;
  expect(error.message).toContain(`modelFiles: ${path} is damaged: `);
  expect(error.message).toContain(message);
});

test('a damaged file of the newest checkpoint is named, and the one before is loaded, bit for bit', async () => {
  await saveCheckpoint(whole, folder, { epoch: 7 });
  const newest = join(folder, 'epoch-00000008');
  await saveCheckpoint(whole, folder, { epoch: 8 });
  const [bits, before] = [bitsOf(whole), held()];
  let cases = 0;
  for (const name of readdirSync(newest)) {
    for (const { what, bytes } of damaged(readFileSync(join(newest, name)), { some: 8 })) {
      warn.mockClear();
      await withBytes(join(newest, name), bytes, async () => {
        const last = (await latestCheckpoint(folder))!;
        expect([what, last.epoch, last.passedOver.map((one) => one.folder)]).toEqual([what, 7, [newest]]);
        expect(last.passedOver[0]!.why).toContain(join(newest, name));
        const { model } = await last.load();
        expect(bitsOf(model)).toEqual(bits);
        discard(model);
      });
      expect(held()).toEqual(before);
      cases++;
    }
  }
  if (wholeCorpus) console.log(`${cases} cases of two checkpoints`);
  expect((await latestCheckpoint(folder))!.epoch).toBe(8);
});

test('a warning names the checkpoint that was passed over, once', async () => {
  for (const step of [1, 2]) await saveCheckpoint(whole, folder, { step });
  const newest = join(folder, 'step-00000002');
  appendFileSync(join(newest, 'model.json'), '}');
  for (let i = 0; i < 2; i++) await latestCheckpoint(folder);
  expect(warn.mock.calls).toEqual([
    [
      expect.stringMatching(
        `^latestCheckpoint: the checkpoint ${newest} is damaged, so ${folder}/step-00000001 is used:`,
      ),
    ],
  ]);
});

test('damage to a checkpoint without hashes is refused by name, or gives another model', async () => {
  await saveModel(whole, `file://${join(folder, 'epoch-00000001')}`);
  const before = held();
  const counts = { refused: 0, unknown: 0 };
  for (const name of ['model.json', 'weights.bin']) {
    const file = join(folder, 'epoch-00000001', name);
    for (const { what, bytes } of damaged(readFileSync(file), { some: 60 })) {
      const error = await withBytes(file, bytes, () =>
        errorOf(
          latestCheckpoint(folder).then(async (last) => {
            const { model } = await last!.load();
            discard(model);
          }),
        ),
      );
      if (error) {
        counts.refused++;
        const fn = /^(compileSaved|acceptAnyTargets|namedLoss of \w+|Unknown loss|Unknown metric)/.test(error.message);
        if (!fn) expectClear(`${name}: ${what}`, error, 'latestCheckpoint');
      } else counts.unknown++;
      expect([what, held()]).toEqual([what, before]);
    }
  }
  if (wholeCorpus) console.log(`without hashes: ${JSON.stringify(counts)}`);
  expect(counts.refused).toBeGreaterThan(counts.unknown);
});
