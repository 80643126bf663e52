import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-node';
import { compileSaved, diceLoss, namedLoss, savedState, saveModel, type NamedLoss } from '../../src/index.js';
import { checkpoints, latestCheckpoint, saveCheckpoint } from '../../src/node/checkpoints.js';
import { modelFiles } from '../../src/node/modelFiles.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'softseg-checkpoints-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function build(units = 2): tf.LayersModel {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units })] });
  model.compile({ optimizer: tf.train.adam(0.1), loss: namedLoss('diceLoss', { aggregate: 'batch' }) });
  return model;
}

const bits = (model: tf.LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);
const step = (model: tf.LayersModel) => model.trainOnBatch(tf.ones([4, 3]), tf.softmax(tf.ones([4, 2])));
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const files = () => readdirSync(folder).sort();

describe('modelFiles', () => {
  test('writes what file:// of tfjs-node reads, and reads what it writes', async () => {
    const model = build();
    await step(model);
    await saveModel(model, modelFiles(join(folder, 'a')), { state: { epoch: 3 } });
    await saveModel(model, `file://${join(folder, 'b')}`, { state: { epoch: 4 } });
    const urls = [
      `file://${join(folder, 'a/model.json')}`,
      modelFiles(join(folder, 'a')),
      modelFiles(join(folder, 'b')),
    ];
    for (const url of urls) {
      const again = await tf.loadLayersModel(url);
      compileSaved(again);
      expect(bits(again)).toEqual(bits(model));
      expect(again.optimizer.iterations).toBe(1);
      expect(savedState(again)).toEqual({ epoch: url === urls[2] ? 4 : 3 });
    }
  });

  test('replaces a model by another, and leaves nothing of the first', async () => {
    const target = join(folder, 'deep/model');
    await build(2).save(modelFiles(target));
    await build(5).save(modelFiles(target));
    expect(readdirSync(target).length).toBe(2);
    expect((await tf.loadLayersModel(modelFiles(target))).outputs[0]!.shape).toEqual([null, 5]);
  });

  test('keeps the model that is there when a new one cannot be written', async () => {
    const target = join(folder, 'model');
    const model = build();
    await model.save(modelFiles(target));
    const before = readdirSync(target);
    // A topology that JSON cannot hold, after the weights are written.
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        await expect(modelFiles(target).save!({ ...artifacts, modelTopology: circular })).rejects.toThrow('circular');
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
      }),
    );
    expect(readdirSync(target)).toEqual(before);
    expect(bits(await tf.loadLayersModel(modelFiles(target)))).toEqual(bits(model));
  });

  test('what a killed run has left is no model, and goes with the next one', async () => {
    const target = join(folder, 'model');
    mkdirSync(target);
    for (const file of ['weights-0123.bin', 'model.json.0123', 'weights-4567.bin']) {
      writeFileSync(join(target, file), 'half');
    }
    const longAgo = Date.now() / 1000 - 7200;
    for (const file of ['weights-0123.bin', 'model.json.0123']) utimesSync(join(target, file), longAgo, longAgo);
    await expect(tf.loadLayersModel(modelFiles(target))).rejects.toThrow('ENOENT');
    await build().save(modelFiles(target));
    expect(readdirSync(target)).not.toContain('weights-0123.bin');
    expect(readdirSync(target)).not.toContain('model.json.0123');
    // This one may be of somebody who is saving now.
    expect(existsSync(join(target, 'weights-4567.bin'))).toBe(true);
    await tf.loadLayersModel(modelFiles(target));
  });

  test('holds one whole model when several are saved at a time', async () => {
    const model = build(200);
    const target = join(folder, 'model');
    for (let i = 0; i < 20; i++) {
      await Promise.all(
        [0, 1, 2, 3].map((turn) => wait(turn * Math.random() * 3).then(() => saveModel(model, modelFiles(target)))),
      );
      const again = await tf.loadLayersModel(modelFiles(target));
      expect(bits(again)).toEqual(bits(model));
      again.dispose();
    }
  });

  test('refuses what is no path', () => {
    expect(() => modelFiles('')).toThrow('modelFiles: folder must be a path, got ""');
  });
});

describe('checkpoints', () => {
  test('the newest whole one is found, with its state, and trains on', async () => {
    const model = build();
    expect(await latestCheckpoint(join(folder, 'none'))).toBe(undefined);
    expect(await latestCheckpoint(folder)).toBe(undefined);
    for (const epoch of [8, 9, 10]) {
      await step(model);
      await saveCheckpoint(model, folder, { epoch, state: { best: epoch / 10 } });
    }
    expect(files()).toEqual(['epoch-00000009', 'epoch-00000010']);
    // One that was not finished.
    mkdirSync(join(folder, 'epoch-00000011'));
    writeFileSync(join(folder, 'epoch-00000011/weights-00.bin'), 'half');
    const last = (await latestCheckpoint(folder))!;
    expect(last).toMatchObject({ epoch: 10, step: -1, state: { best: 1 }, folder: join(folder, 'epoch-00000010') });
    const { model: again, losses } = await last.load();
    expect(Object.values(losses).map((loss) => (loss as NamedLoss).lossName)).toEqual(['diceLoss']);
    await Promise.all([step(model), step(again)]);
    expect(bits(again)).toEqual(bits(model));
  });

  test('of another process stay', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { step: 100 });
    // Written by another one meanwhile.
    await saveModel(model, modelFiles(join(folder, 'step-00000003')));
    await saveCheckpoint(model, folder, { step: 101, keep: 1 });
    expect(files()).toEqual(['step-00000003', 'step-00000101']);
  });

  test('the callback saves after every so many epochs, and at the end', async () => {
    const model = build();
    const calls: number[] = [];
    const callback = checkpoints(model, folder, { every: 2, keep: 9, state: () => calls.push(1) });
    await model.fit(tf.ones([4, 3]), tf.softmax(tf.ones([4, 2])), { epochs: 5, verbose: 0, callbacks: callback });
    expect(files()).toEqual(['epoch-00000001', 'epoch-00000003', 'epoch-00000004']);
    expect((await latestCheckpoint(folder))!.state).toBe(3);
  });

  test('tell what does not fit', async () => {
    const model = build();
    const save = (options: object) => saveCheckpoint(model, folder, options);
    await expect(save({})).rejects.toThrow(
      'saveCheckpoint: needs an epoch or a step, got epoch undefined and step undefined',
    );
    await expect(save({ epoch: 1, step: 1 })).rejects.toThrow(
      'saveCheckpoint: needs an epoch or a step, got epoch 1 and step 1',
    );
    await expect(save({ step: -1 })).rejects.toThrow('saveCheckpoint: step must be an integer >= 0, got -1');
    await expect(save({ step: 1, keep: 0 })).rejects.toThrow('saveCheckpoint: keep must be an integer >= 1, got 0');
    await expect(save({ epochs: 1 })).rejects.toThrow(
      "saveCheckpoint: unknown option 'epochs'; it takes epoch, step, keep, state",
    );
    expect(() => checkpoints(model, '')).toThrow('checkpoints: folder must be a path, got ""');
    expect(() => checkpoints(model, folder, { every: 0 })).toThrow('checkpoints: every must be an integer >= 1, got 0');
    expect(() => checkpoints(model, folder, { state: 3 as never })).toThrow(
      'checkpoints: state must be a function, got 3',
    );
    expect(files()).toEqual([]);
    await saveCheckpoint(model, folder, { step: 1 });
    await saveCheckpoint(model, folder, { epoch: 1 });
    await expect(latestCheckpoint(folder)).rejects.toThrow('holds checkpoints of epochs and of steps; keep them apart');
    await model.save(modelFiles(join(folder, 'other/epoch-00000001')));
    await expect(latestCheckpoint(join(folder, 'other'))).rejects.toThrow(
      "latestCheckpoint: the model's file has no part of softseg",
    );
  });

  test('a file of weights that is cut is an error of tfjs, not other weights', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { epoch: 0 });
    const last = (await latestCheckpoint(folder))!;
    const weights = readdirSync(last.folder).find((file) => file.startsWith('weights-'))!;
    writeFileSync(join(last.folder, weights), readFileSync(join(last.folder, weights)).subarray(0, 8));
    await expect(last.load()).rejects.toThrow();
  });

  test('of a loss of one’s own', async () => {
    const own = (t: tf.Tensor, z: tf.Tensor) => diceLoss(t, z);
    const model = build();
    model.compile({ optimizer: 'sgd', loss: namedLoss('mine', {}, own) });
    await saveCheckpoint(model, folder, { epoch: 0 });
    const last = (await latestCheckpoint(folder))!;
    await expect(last.load()).rejects.toThrow("the file's loss 'mine' is not softseg's; hand it in");
    await last.load({ losses: { mine: own } });
  });
});
