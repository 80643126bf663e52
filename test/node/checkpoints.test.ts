import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fileSystem from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-node';
import { diceLoss } from '../../src/index.js';
import { compileSaved, namedLoss, saveModel, type NamedLoss } from '../../src/training/index.js';
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
  test('writes files that file:// of tfjs-node reads, and reads files that it writes', async () => {
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
      const { state } = compileSaved(again);
      expect(bits(again)).toEqual(bits(model));
      expect(again.optimizer.iterations).toBe(1);
      expect(state).toEqual({ epoch: url === urls[2] ? 4 : 3 });
    }
  });

  test('replaces one model with another, and leaves nothing of the first', async () => {
    const target = join(folder, 'deep/model');
    await build(2).save(modelFiles(target));
    await build(5).save(modelFiles(target));
    expect(readdirSync(target).length).toBe(2);
    expect((await tf.loadLayersModel(modelFiles(target))).outputs[0]!.shape).toEqual([null, 5]);
  });

  test('keeps the existing model when a new one cannot be written', async () => {
    const target = join(folder, 'model');
    const model = build();
    await model.save(modelFiles(target));
    const before = readdirSync(target);
    // The topology cannot be written as JSON, which fails after the weights are written.
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

  test('ignores files that a killed run has left, and deletes them on the next save', async () => {
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
    // This file is recent and may belong to a save in progress.
    expect(existsSync(join(target, 'weights-4567.bin'))).toBe(true);
    await tf.loadLayersModel(modelFiles(target));
  });

  test('holds one complete model when several are saved at the same time', async () => {
    const model = build(200);
    const target = join(folder, 'model');
    for (let i = 0; i < 20; i++) {
      await Promise.all(
        [0, 1, 2, 3].map((turn) => wait(turn * Math.random() * 3).then(() => saveModel(model, modelFiles(target)))),
      );
      const again = await tf.loadLayersModel(modelFiles(target));
      expect(bits(again)).toEqual(bits(model));
      again.dispose();
      expect(readdirSync(target)).toHaveLength(2); // replaced models left no weights behind
    }
  });

  test('refuses a folder that is not a path', () => {
    expect(() => modelFiles('')).toThrow('modelFiles: folder must be a path, got ""');
  });
});

/** Cuts off a model's weights. */
function cut(path: string): void {
  const weights = readdirSync(path).find((file) => file.startsWith('weights-'))!;
  writeFileSync(join(path, weights), readFileSync(join(path, weights)).subarray(0, 8));
}

describe('checkpoints', () => {
  test('are found, the newest complete one first, with the state to continue training', async () => {
    const model = build();
    expect(await latestCheckpoint(join(folder, 'none'))).toBe(undefined);
    expect(await latestCheckpoint(folder)).toBe(undefined);
    for (const epoch of [8, 9, 10]) {
      await step(model);
      await saveCheckpoint(model, folder, { epoch, state: { best: epoch / 10 } });
    }
    expect(files()).toEqual(['epoch-00000009', 'epoch-00000010']);
    // This checkpoint was not finished.
    mkdirSync(join(folder, 'epoch-00000011'));
    writeFileSync(join(folder, 'epoch-00000011/weights-00.bin'), 'half');
    const last = (await latestCheckpoint(folder))!;
    expect(last).toMatchObject({ epoch: 10, step: -1, state: { best: 1 }, folder: join(folder, 'epoch-00000010') });
    const { model: again, losses } = await last.load();
    expect(Object.values(losses).map((loss) => (loss as NamedLoss).lossName)).toEqual(['diceLoss']);
    await Promise.all([step(model), step(again)]);
    expect(bits(again)).toEqual(bits(model));
  });

  test('are found while a writer that keeps only one makes each listing outdated', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { step: 0, keep: 1 });
    const { readdir } = fileSystem;
    let step = 0;
    const spy = jest.spyOn(fileSystem, 'readdir').mockImplementation((async (path: string) => {
      const names = await readdir(path);
      if (path === folder && step < 4) await saveCheckpoint(model, folder, { step: ++step, keep: 1 });
      return names;
    }) as never);
    try {
      expect((await latestCheckpoint(folder))?.step).toBe(4);
    } finally {
      spy.mockRestore();
    }
  });

  test('are found while one is being written and the one before is removed', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { step: 0, keep: 1 });
    mkdirSync(join(folder, 'step-00000001'));
    const { readdir } = fileSystem;
    let saved = false;
    const spy = jest.spyOn(fileSystem, 'readdir').mockImplementation((async (path: string) => {
      const names = await readdir(path);
      if (path === join(folder, 'step-00000001') && !saved) {
        saved = true;
        await saveCheckpoint(model, folder, { step: 1, keep: 1 });
      }
      return names;
    }) as never);
    try {
      expect((await latestCheckpoint(folder))?.step).toBe(1);
    } finally {
      spy.mockRestore();
    }
  });

  test('that cannot be removed do not stop the training: one warning, and each save tries again', async () => {
    const model = build();
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const { rm } = fileSystem;
    const busy = join(folder, 'step-00000000');
    const spy = jest.spyOn(fileSystem, 'rm').mockImplementation((async (path: string, options: object) => {
      const error = new Error(`EBUSY: resource busy or locked, rmdir '${path}'`);
      if (path === busy) throw Object.assign(error, { code: 'EBUSY' });
      return rm(path, options);
    }) as never);
    try {
      for (const step of [0, 1, 2, 3]) await saveCheckpoint(model, folder, { step, keep: 1 });
      expect(files()).toEqual(['step-00000000', 'step-00000003']);
      expect(warn.mock.calls).toEqual([
        [
          `saveCheckpoint: ${join(folder, 'step-00000001')} is saved, but ${busy}, which is older, cannot be removed ` +
            `yet: EBUSY: resource busy or locked, rmdir '${busy}'`,
        ],
      ]);
      expect((await latestCheckpoint(folder))!.step).toBe(3);
    } finally {
      spy.mockRestore();
      warn.mockRestore();
    }
    await saveCheckpoint(model, folder, { step: 4, keep: 1 });
    expect(files()).toEqual(['step-00000004']);
  });

  test('of another process are kept', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { step: 100 });
    // Another process has written this one in the meantime.
    await saveModel(model, modelFiles(join(folder, 'step-00000003')));
    await saveCheckpoint(model, folder, { step: 101, keep: 1 });
    expect(files()).toEqual(['step-00000003', 'step-00000101']);
  });

  test('are saved by the callback at the given interval, and at the end', async () => {
    const model = build();
    const calls: number[] = [];
    const callback = checkpoints(model, folder, { every: 2, keep: 9, state: () => calls.push(1) });
    await model.fit(tf.ones([4, 3]), tf.softmax(tf.ones([4, 2])), { epochs: 5, verbose: 0, callbacks: callback });
    expect(files()).toEqual(['epoch-00000001', 'epoch-00000003', 'epoch-00000004']);
    expect((await latestCheckpoint(folder))!.state).toBe(3);
  });

  test('refuse invalid options', async () => {
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
    await expect(latestCheckpoint(folder)).rejects.toThrow(
      'holds checkpoints of epochs and of steps; use a folder for each kind',
    );
    await model.save(modelFiles(join(folder, 'other/epoch-00000001')));
    await expect(latestCheckpoint(join(folder, 'other'))).rejects.toThrow(
      "latestCheckpoint: the model's file has no softseg part",
    );
  });

  test('with a truncated weight file give an error, not other weights', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { epoch: 0 });
    const last = (await latestCheckpoint(folder))!;
    cut(last.folder);
    const again = await last.load(); // it was read before the damage
    expect(bits(again.model)).toEqual(bits(model));
    const why = /weights-[0-9a-f]+\.bin is damaged: it has 8 bytes, but was written with \d+/;
    await expect(last.load()).rejects.toThrow(why);
    await expect(latestCheckpoint(folder)).rejects.toThrow(
      /^latestCheckpoint: all checkpoints in .* are damaged: .*To start over, remove the folder or use another one$/,
    );
    await expect(latestCheckpoint(folder)).rejects.toThrow(why);
  });

  test('can have steps up to the largest integer, in numerical order', async () => {
    const model = build();
    const steps = [99_999_999, 100_000_000, 1_000_000_000, Number.MAX_SAFE_INTEGER];
    for (const step of steps) await saveCheckpoint(model, folder, { step, keep: 3 });
    expect(files()).toEqual(['step-100000000', 'step-1000000000', 'step-9007199254740991']);
    expect((await latestCheckpoint(folder))!.step).toBe(Number.MAX_SAFE_INTEGER);
    await expect(saveCheckpoint(model, folder, { step: 2 ** 53 })).rejects.toThrow('step must be an integer >= 0');
    // saveCheckpoint does not write such names, so they belong to somebody else.
    for (const name of ['step-9007199254740993', 'step-0000000000000007', 'step-7', 'step-99999999999999999999']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'model.json'), '{}');
    }
    expect(await latestCheckpoint(folder)).toMatchObject({ step: Number.MAX_SAFE_INTEGER, passedOver: [] });
  });

  test('that are damaged do not count among those to keep', async () => {
    const model = build();
    for (const step of [1, 2, 3, 4]) await saveModel(model, modelFiles(join(folder, `step-0000000${step}`)));
    for (const step of [2, 4]) cut(join(folder, `step-0000000${step}`));
    await saveCheckpoint(model, folder, { step: 5, keep: 2 });
    expect(files()).toEqual(['step-00000003', 'step-00000004', 'step-00000005']);
    await saveCheckpoint(model, folder, { step: 6, keep: 1 });
    expect(files()).toEqual(['step-00000006']);
  });

  test('with damaged ones after the resumed one: that one is kept until there is a new one', async () => {
    const model = build();
    for (const step of [1, 2, 3]) await saveModel(model, modelFiles(join(folder, `step-0000000${step}`)));
    for (const step of [2, 3]) cut(join(folder, `step-0000000${step}`));
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    expect((await latestCheckpoint(folder))!.step).toBe(1);
    // A file in place of the folder makes the save fail.
    rmSync(join(folder, 'step-00000002'), { recursive: true });
    writeFileSync(join(folder, 'step-00000002'), '');
    await expect(saveCheckpoint(model, folder, { step: 2, keep: 1 })).rejects.toThrow(
      `saveCheckpoint: cannot save a model to ${join(folder, 'step-00000002')}: EEXIST`,
    );
    expect((await latestCheckpoint(folder))!.step).toBe(1);
    rmSync(join(folder, 'step-00000002'));
    await saveCheckpoint(model, folder, { step: 2, keep: 1 });
    expect((await latestCheckpoint(folder))!.step).toBe(2);
    expect(files()).toEqual(['step-00000002', 'step-00000003']);
    expect(warn).toHaveBeenCalled();
    warn.mockRestore();
  });

  test('are never removed if they are links, and files are not taken for checkpoints', async () => {
    const model = build();
    const elsewhere = mkdtempSync(join(tmpdir(), 'softseg-elsewhere-'));
    await saveModel(model, modelFiles(elsewhere));
    symlinkSync(elsewhere, join(folder, 'step-00000001'));
    writeFileSync(join(folder, 'step-00000002'), 'a file');
    expect(await latestCheckpoint(folder)).toMatchObject({
      step: 1,
      passedOver: [
        { folder: join(folder, 'step-00000002'), why: expect.stringContaining('ENOTDIR') as unknown as string },
      ],
    });
    for (const step of [3, 4, 5]) await saveCheckpoint(model, folder, { step, keep: 1 });
    expect(files()).toEqual(['step-00000001', 'step-00000002', 'step-00000005']);
    expect(readdirSync(elsewhere)).toHaveLength(2);
    rmSync(elsewhere, { recursive: true });
  });

  test('removed after they were found can be loaded once more, and are then named in an error', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { epoch: 0 });
    const last = (await latestCheckpoint(folder))!;
    rmSync(last.folder, { recursive: true });
    await last.load();
    await expect(last.load()).rejects.toThrow(`latestCheckpoint: cannot read ${last.folder}/model.json: ENOENT`);
  });

  test('of a newer softseg are not passed over', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { epoch: 0 });
    const { load } = modelFiles(join(folder, 'epoch-00000000'));
    const artifacts = await load!();
    const saved = artifacts.userDefinedMetadata!['softseg'] as object;
    const newer = { ...artifacts, userDefinedMetadata: { softseg: { ...saved, version: 3 } } };
    await modelFiles(join(folder, 'epoch-00000001')).save!(newer);
    await expect(latestCheckpoint(folder)).rejects.toThrow(
      `has version 3 of softseg's part, but this softseg knows up to 2; update it (${join(folder, 'epoch-00000001')})`,
    );
  });

  test.each(['a newer softseg', 'another program'])('of %s, without hashes, are not called damaged', async (by) => {
    await saveCheckpoint(build(), folder, { epoch: 0 });
    const newest = join(folder, 'epoch-00000000/model.json');
    const text = readFileSync(newest, 'utf8')
      .replace('"checked":"sha256",', '')
      .replace(/,"sha256":"[0-9a-f]{64}"\}$/, '}');
    const json = JSON.parse(text) as { userDefinedMetadata: { softseg?: { version: number } } };
    if (by === 'a newer softseg') json.userDefinedMetadata.softseg!.version = 3;
    else delete json.userDefinedMetadata.softseg;
    writeFileSync(newest, JSON.stringify(json));
    const { message } = await latestCheckpoint(folder).then(
      () => new Error('no error'),
      (error: Error) => error,
    );
    const what = by === 'a newer softseg' ? 'version 3 of softseg' : 'has no softseg part; save it with saveModel';
    expect(message).toContain(what);
    expect(message).not.toMatch(/damaged|remove/);
    expect(message).toContain(join(folder, 'epoch-00000000'));
  });

  test('are refused in place of the folder above them', async () => {
    const model = build();
    await saveCheckpoint(model, folder, { epoch: 4 });
    const inside = join(folder, 'epoch-00000004');
    const message = `${inside} is a checkpoint itself; give the folder that it is in, ${folder}`;
    await expect(latestCheckpoint(inside)).rejects.toThrow(`latestCheckpoint: ${message}`);
    await expect(saveCheckpoint(model, inside, { epoch: 5 })).rejects.toThrow(`saveCheckpoint: ${message}`);
    expect(readdirSync(inside)).toHaveLength(2);
    // The name alone does not make a folder a checkpoint.
    await saveCheckpoint(model, join(folder, 'other/epoch-00000004'), { epoch: 5 });
    expect((await latestCheckpoint(join(folder, 'other/epoch-00000004')))!.epoch).toBe(5);
  });

  test.each(['file:///tmp/x', 'indexeddb://x', 'https://a.b/c', 'a\0b'])(
    'are refused in %j, which is not a folder',
    async (path) => {
      const what = path.includes('://') ? `got the URL "${path}"; ` : 'got "a\\u0000b"';
      for (const [fn, run] of Object.entries({
        modelFiles: async () => modelFiles(path),
        checkpoints: async () => checkpoints(build(), path),
        saveCheckpoint: () => saveCheckpoint(build(), path, { step: 1 }),
        latestCheckpoint: () => latestCheckpoint(path),
      })) {
        await expect(run()).rejects.toThrow(`${fn}: folder must be a path, ${what}`);
      }
    },
  );

  test('leave no tensor behind when loading fails, at any stage', async () => {
    const model = build();
    await step(model);
    const path = join(folder, 'epoch-00000000');
    await saveCheckpoint(model, folder, { epoch: 0 });
    const artifacts = await modelFiles(path).load!();
    const { weightSpecs, trainingConfig } = artifacts;
    const layers = (artifacts.modelTopology as { config: { layers: object[] } }).config.layers;
    const held = () => [tf.memory().numTensors, (tf.backend() as unknown as { numDataIds(): number }).numDataIds()];
    const before = held();
    const fails = async (changed: Partial<tf.io.ModelArtifacts>, message: string, own = {}) => {
      await modelFiles(path).save!({ ...artifacts, ...changed });
      const last = (await latestCheckpoint(folder))!;
      for (let i = 0; i < 2; i++) await expect(last.load(own)).rejects.toThrow(message);
      expect(held()).toEqual(before);
    };
    const tfjsCannot = `latestCheckpoint: tfjs cannot make the model in ${path}: `;
    // The second layer cannot be made after the first got its weights.
    const second = { class_name: 'Nothing', config: { name: 'second' } };
    const topology = { ...(artifacts.modelTopology as object), config: { name: 'a', layers: [...layers, second] } };
    await fails({ modelTopology: topology }, `${tfjsCannot}Unknown layer: Nothing`);
    // The model is made, but its weights do not fit.
    const other = weightSpecs!.map((spec, i) => (i === 0 ? { ...spec, name: 'other' } : spec));
    await fails({ weightSpecs: other }, `${tfjsCannot}Provided weight data has no target variable: other`);
    // The weights are set, but the optimizer does not accept its state.
    const sgd = { class_name: 'SGD', config: { learningRate: 0.1 } };
    const config = { ...trainingConfig!, optimizer_config: sgd } as unknown as tf.io.TrainingConfig;
    await fails({ trainingConfig: config }, `${tfjsCannot}SGD optimizer does not have settable weights`);
    // Everything is made, but compileSaved refuses it.
    const saved = artifacts.userDefinedMetadata!['softseg'] as object;
    const functions = [{ from: 'own', name: 'mine', options: {} }];
    const metadata = { softseg: { ...saved, functions, loss: 0 } };
    await fails({ userDefinedMetadata: metadata }, "compileSaved: the file's loss 'mine' is not softseg's; pass it");
    const { load } = (await latestCheckpoint(folder))!;
    const loaded = await load({ losses: { mine: diceLoss as never } });
    expect(bits(loaded.model)).toEqual(bits(model));
    loaded.model.dispose();
    loaded.model.optimizer.dispose();
    expect(held()).toEqual(before);
  });

  test('can have a loss of the user', async () => {
    const own = (t: tf.Tensor, z: tf.Tensor) => diceLoss(t, z);
    const model = build();
    model.compile({ optimizer: 'sgd', loss: namedLoss('mine', {}, own) });
    await saveCheckpoint(model, folder, { epoch: 0 });
    const last = (await latestCheckpoint(folder))!;
    await expect(last.load()).rejects.toThrow("the file's loss 'mine' is not softseg's; pass it");
    await last.load({ losses: { mine: own } });
  });
});
