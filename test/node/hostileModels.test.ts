/**
 * Folders of models that nobody writes by accident: each is refused at once, with a message that names it, and nothing
 * is kept.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-node';
import { diceLoss } from '../../src/index.js';
import { saveModel } from '../../src/training/index.js';
import { latestCheckpoint, saveCheckpoint } from '../../src/node/checkpoints.js';
import { modelFiles } from '../../src/node/modelFiles.js';

type Json = Record<string, unknown>;
interface Group {
  paths: unknown[];
  weights: Json[];
}

let [root, folder] = ['', ''];
let written: string; // the model.json that tfjs-node writes, without hashes
let weights: Buffer;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'softseg-hostile-'));
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 2, name: 'logits' })] });
  model.compile({ optimizer: tf.train.adam(0.1), loss: diceLoss });
  await saveModel(model, `file://${join(root, 'written')}`);
  written = readFileSync(join(root, 'written/model.json'), 'utf8');
  weights = readFileSync(join(root, 'written/weights.bin'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let before: number[];
const held = () => [tf.memory().numTensors, (tf.backend() as unknown as { numDataIds(): number }).numDataIds()];
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  writeFileSync(join(folder, 'model.json'), written);
  writeFileSync(join(folder, 'weights.bin'), weights);
  before = held();
});
afterEach(() => expect(held()).toEqual(before));

const file = (name: string) => join(folder, name);
const load = () => tf.loadLayersModel(modelFiles(folder));
async function rejects(message: string): Promise<void> {
  await expect(load()).rejects.toThrow(message);
}

test('the unchanged model can be loaded, also from several files with any names', async () => {
  (await load()).dispose();
  mkdirSync(file('shards'));
  writeFileSync(file('shards/a.bin'), weights.subarray(0, 5));
  renameSync(file('weights.bin'), file('b'));
  writeFileSync(file('b'), weights.subarray(5));
  writeFileSync(file('model.json'), written.replace('"weights.bin"', '"shards/a.bin","b"'));
  const model = await load();
  const [kernel] = model.getWeights();
  expect(Buffer.from((await kernel!.data()).slice().buffer)).toEqual(weights.subarray(0, 24));
  model.dispose();
  before = held(); // tfjs does not dispose optimizers with their models
});

describe('a model.json', () => {
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  test.each<[string, () => string, string]>([
    ['that is empty', () => '', 'is damaged: it is empty'],
    ['of half a word', () => 'tru', 'is damaged: it is not JSON'],
    ['of null', () => 'null', 'model must be an object, got null'],
    ['of a list', () => '[]', 'model must be an object, got []'],
    ['of a number', () => '1', 'model must be an object, got 1'],
    ['nested 100,000 deep', () => `{"a":${deep(100_000)}}`, 'must not be nested more than 500 deep'],
    ['that is a list 100,000 deep', () => deep(100_000), 'model must be an object, got [[['],
    ['with __proto__', () => written.replace('{', '{"__proto__":{"a":1},'), 'must not have the key __proto__'],
    [
      'with __proto__ inside',
      () => written.replace('"config":{', '"config":{"__proto__":{"units":1},'),
      'must not have the key __proto__',
    ],
    [
      'with the class constructor',
      () => written.replace('"class_name":"Dense"', '"class_name":"constructor"'),
      'must not be a name that every object has; give it another one, got "constructor"',
    ],
    [
      'with the activation toString',
      () => written.replace('"linear"', '"toString"'),
      'must not be a name that every object has; give it another one, got "toString"',
    ],
    ['that is no UTF-8', () => written, 'it is not UTF-8'],
    [
      'without a topology',
      () => written.replace('"modelTopology"', '"topology"'),
      'model.modelTopology must be an object',
    ],
    [
      'without a manifest',
      () => written.replace('"weightsManifest"', '"manifest"'),
      'model.weightsManifest must be a list',
    ],
    ['with a hash of no use', () => written.replace('{', '{"sha256":"0",'), 'it has other bytes'],
  ])('%s is refused', async (what, text, message) => {
    writeFileSync(file('model.json'), what.includes('UTF-8') ? Buffer.from(text(), 'utf16le') : text());
    if (what.includes('UTF-8')) appendFileSync(file('model.json'), Buffer.from([0xff]));
    await rejects(message);
    await rejects(`modelFiles: ${file('model.json')}`);
  });

  /** By the change of the manifest: the message. */
  test.each<[string, (group: Group, manifest: Group[]) => void, string]>([
    [
      'a shape of 1e15',
      ({ weights: [first] }) => (first!['shape'] = [1e15]),
      'the shapes in model.json take 4000000000000',
    ],
    [
      'a shape of 1e300',
      ({ weights: [first] }) => (first!['shape'] = [1e300]),
      'shape[0] must be an integer from 0 to',
    ],
    [
      'a shape too large',
      ({ weights: [a] }) => (a!['shape'] = [1e15, 1e15]),
      'must not be larger than any disk, got [',
    ],
    [
      'a negative shape',
      ({ weights: [first] }) => (first!['shape'] = [-3, -2]),
      'shape[0] must be an integer from 0 to',
    ],
    ['half a shape', ({ weights: [first] }) => (first!['shape'] = [3, 0.5]), 'shape[1] must be an integer from 0 to'],
    ['a shape that is too small', ({ weights: [first] }) => (first!['shape'] = [3, 1]), 'but weights.bin has'],
    ['a shape that is no list', ({ weights: [first] }) => (first!['shape'] = '32'), 'shape must be a list, got "32"'],
    ['an unknown dtype', ({ weights: [first] }) => (first!['dtype'] = 'int64'), 'dtype must be float32, int32, bool'],
    ['strings', ({ weights: [first] }) => (first!['dtype'] = 'string'), 'dtype must be float32, int32, bool'],
    [
      'the dtype constructor',
      ({ weights: [a] }) => (a!['dtype'] = 'constructor'),
      'dtype must be float32, int32, bool',
    ],
    ['an unknown group', ({ weights: [a] }) => (a!['group'] = 'optimiser'), "group must be 'model' or 'optimizer'"],
    [
      'a name twice',
      ({ weights: [a, b] }) => (a!['name'] = b!['name']),
      'must not name the weight "logits/bias" twice',
    ],
    [
      'the name __proto__',
      ({ weights: [a] }) => (a!['name'] = '__proto__'),
      'name must not be a name that every object',
    ],
    ['no name', ({ weights: [first] }) => delete first!['name'], 'name must be a string, got undefined'],
    [
      'a scale of null',
      ({ weights: [a] }) => (a!['quantization'] = { dtype: 'uint8' }),
      'scale must be a finite number',
    ],
    ['a file twice', (group) => group.paths.push('weights.bin'), 'must not name the file "weights.bin" twice'],
    ['no files', (group) => (group.paths = []), 'but no file has 0'],
    ['../', (group) => (group.paths = ['../written/weights.bin']), 'must be the path of a file in the folder'],
    ['a/../..', (group) => (group.paths = ['a/../../written/weights.bin']), 'must be the path of a file in the folder'],
    ['an absolute path', (group) => (group.paths = ['/etc/passwd']), 'must be the path of a file in the folder'],
    ['a drive', (group) => (group.paths = ['C:\\weights.bin']), 'must be the path of a file in the folder'],
    ['NUL', (group) => (group.paths = ['weights.bin\0']), 'must be the path of a file in the folder'],
    ['no path', (group) => (group.paths = ['']), 'must be the path of a file in the folder'],
    ['the folder itself', (group) => (group.paths = ['.']), 'it is a folder, not a file'],
    ['a path that is not a string', (group) => (group.paths = [3]), 'paths[0] must be a string, got 3'],
    ['a file that is not there', (group) => (group.paths = ['w.bin']), 'which model.json names: ENOENT'],
    [
      'lengths for fewer files',
      (group) => Object.assign(group, { bytes: [], sha256: [] }),
      'must have bytes and sha256',
    ],
    [
      'null',
      (_, manifest) => manifest.splice(0, 1, null as never),
      'model.weightsManifest[0] must be an object, got null',
    ],
    ['none of the weights', (_, manifest) => manifest.splice(0, 1), '2 of 2 weights are not set'],
  ])('whose manifest has %s is refused', async (_, change, message) => {
    const model = JSON.parse(written) as Json & { weightsManifest: Group[] };
    change(model.weightsManifest[0]!, model.weightsManifest);
    writeFileSync(file('model.json'), JSON.stringify(model));
    await rejects(message);
    if (!message.includes('weights are not set')) return;
    // tfjs refuses these, and keeps the tensors made until then. Checkpoint.load would dispose them.
    expect(held()[0]).toBeGreaterThan(before[0]!);
    before = held();
  });

  test('that fills the whole disk is not read', async () => {
    truncateSync(file('model.json'), 2 ** 40); // sparse
    await rejects('it has 1099511627776 bytes, more than a string can hold');
  });
});

test('terabytes of weights that fit their manifest are refused with a message', async () => {
  const model = JSON.parse(written) as Json & { weightsManifest: Group[] };
  model.weightsManifest[0]!.weights = [{ name: 'logits/kernel', shape: [2 ** 20, 2 ** 20], dtype: 'float32' }];
  writeFileSync(file('model.json'), JSON.stringify(model));
  await rejects('the shapes in model.json take 4398046511104 bytes');
  truncateSync(file('weights.bin'), 2 ** 42);
  await rejects('no memory for the 4398046511104 bytes of weights');
  // On a machine with more memory the checkpoint may be fine, so it is not passed over.
  const checkpoints = ['epoch-00000001', 'epoch-00000002'].map(file);
  checkpoints.forEach((path) => mkdirSync(path));
  writeFileSync(join(checkpoints[0]!, 'model.json'), written);
  writeFileSync(join(checkpoints[0]!, 'weights.bin'), weights);
  for (const name of ['model.json', 'weights.bin']) renameSync(file(name), join(checkpoints[1]!, name));
  await expect(latestCheckpoint(folder)).rejects.toThrow('latestCheckpoint: no memory for the 4398046511104 bytes');
});

test.each([
  ['too long', () => appendFileSync(file('weights.bin'), 'x'), 'bytes, but weights.bin has'],
  ['too short', () => truncateSync(file('weights.bin'), 3), 'bytes, but weights.bin has 3'],
])('weights without a hash that are %s are refused', async (_, damage, message) => {
  damage();
  await rejects(message);
});

describe.each(['model.json', 'weights.bin'])('%s', (name) => {
  const names = () => [`cannot read ${file(name)}`];
  test.each<[string, () => void, string]>([
    ['a folder', () => mkdirSync(file(name)), 'it is a folder, not a file'],
    ['a pipe without a writer', () => execFileSync('mkfifo', [file(name)]), 'it is a pipe or a device'],
    ['a dangling link', () => symlinkSync('nowhere', file(name)), 'ENOENT'],
    ['a link to itself', () => symlinkSync(name, file(name)), 'ELOOP'],
    [
      'a link out of the folder',
      () => symlinkSync(join(root, 'written', name), file(name)),
      'it is a link out of the folder',
    ],
    ['missing', () => {}, 'ENOENT'],
  ])('that is %s is refused', async (_, make, message) => {
    rmSync(file(name));
    make();
    await rejects(message);
    for (const part of names()) await rejects(part);
  });

  test('may be a link inside the folder', async () => {
    renameSync(file(name), file('elsewhere'));
    symlinkSync('elsewhere', file(name));
    (await load()).dispose();
    before = held();
  });
});

test('a file in place of the folder is refused for loading and saving', async () => {
  const path = file('weights.bin');
  await expect(modelFiles(path).load!()).rejects.toThrow(`modelFiles: cannot read ${path}/model.json: ENOTDIR`);
  await expect(modelFiles(path).save!({ modelTopology: {} })).rejects.toThrow(
    `cannot save a model to ${path}: EEXIST: ${path} is not a folder`,
  );
  await expect(latestCheckpoint(path)).rejects.toThrow(`latestCheckpoint: cannot read ${path}: ENOTDIR`);
  await expect(latestCheckpoint(join(path, 'in'))).rejects.toThrow('ENOTDIR');
});

// eslint-disable-next-line no-control-regex -- the test looks for them
const UNSEEN = /[\x00-\x1f\x7f-\x9f\u202e]/;
const ESCAPES = '\u001b[2J\u0007\u009b2J\u202e\n';

test.each<[string, (group: Group, model: Json) => void]>([
  ['a path', (group) => (group.paths = [ESCAPES])],
  ['a path that is not allowed', (group) => (group.paths = [`../${ESCAPES}`])],
  ['the name of a weight', (group) => group.weights.forEach((weight) => (weight['name'] = ESCAPES))],
  ['a dtype', (group) => (group.weights[0]!['dtype'] = ESCAPES)],
  ['a key', (_, model) => (model['modelTopology'] = { [ESCAPES]: { constructor: 1 } })],
  ['the class of a model', (_, model) => (model['modelTopology'] = { class_name: '', [ESCAPES]: 1 })],
])('escape codes in %s do not reach a message', async (_, change) => {
  const model = JSON.parse(written) as Json;
  change((model['weightsManifest'] as Group[])[0]!, model);
  writeFileSync(file('model.json'), JSON.stringify(model));
  const { message } = await modelFiles(folder).load!().then(
    () => new Error('none'),
    (error: Error) => error,
  );
  expect(message).not.toMatch(UNSEEN);
  expect(message).toMatch(/^modelFiles: /);
});

test('escape codes in the names of folders and files reach neither messages nor the console', async () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
  const run = join(folder, `run${ESCAPES.slice(0, -1)}`);
  const messageOf = (result: Promise<unknown>) =>
    result.then(
      () => 'none',
      (error: Error) => error.message,
    );
  expect(await messageOf(modelFiles(run).load!())).toMatch(/^modelFiles: cannot read .*run\\u001b\[2J/);
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 2 })] });
  model.compile({ optimizer: 'sgd', loss: diceLoss });
  for (const step of [1, 2]) await saveCheckpoint(model, run, { step });
  truncateSync(join(run, 'step-00000002/model.json'), 100);
  await latestCheckpoint(run);
  truncateSync(join(run, 'step-00000001/model.json'), 100);
  const messages = [await messageOf(latestCheckpoint(run)), ...warn.mock.calls.map(String)];
  warn.mockRestore();
  expect(messages).toHaveLength(2);
  for (const message of messages) {
    expect(message).toContain('run\\u001b[2J\\u0007\\u009b2J\\u202e');
    expect(message).not.toMatch(UNSEEN);
  }
  model.dispose();
  model.optimizer.dispose();
});

test('a dangling link in place of the folder is named', async () => {
  symlinkSync('/no/such/folder', file('link'));
  for (const path of [file('link'), join(file('link'), 'in')]) {
    await expect(modelFiles(path).save!({ modelTopology: {} })).rejects.toThrow(
      `modelFiles: cannot save a model to ${path}: EEXIST: ${file('link')} is a link to /no/such/folder, where ` +
        `there is no`,
    );
  }
});

test('string weights of a graph model are refused with a reason', async () => {
  const model = JSON.parse(written) as Json;
  (model['weightsManifest'] as Group[])[0]!.weights[0]!['dtype'] = 'string';
  writeFileSync(file('model.json'), JSON.stringify({ ...model, format: 'graph-model' }));
  await rejects('(strings, which graph models may have, are not read), got "string"');
});

/** Loads and saves in a program without root privileges, and returns its messages. */
function asSomebodyElse(path: string): string[] {
  const script = `
    import { latestCheckpoint, modelFiles } from 'softseg/node';
    import * as tf from '@tensorflow/tfjs-core';
    if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
    const [path] = process.argv.slice(1);
    const topology = { class_name: 'Sequential', config: { layers: [] } };
    for (const run of [
      () => modelFiles(path + '/epoch-00000001').load(),
      () => modelFiles(path + '/epoch-00000001').save({ modelTopology: topology }),
      () => latestCheckpoint(path),
    ]) console.log(await run().then((done) => 'done ' + done, (error) => error.message));
  `;
  const args = ['--input-type=module', '-e', script, path];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: join(__dirname, '../..') });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

describe('another user', () => {
  let checkpoint: string;
  beforeEach(() => {
    for (const path of [root, folder]) chmodSync(path, 0o755);
    checkpoint = file('epoch-00000001');
    mkdirSync(checkpoint);
    for (const name of ['model.json', 'weights.bin']) renameSync(file(name), join(checkpoint, name));
  });
  afterEach(() => chmodSync(checkpoint, 0o755));

  test.each<[string, () => void, string, string]>([
    ['a model.json', () => chmodSync(join(checkpoint, 'model.json'), 0), '/model.json: EACCES', '/model.json: EACCES'],
    [
      'weights',
      () => chmodSync(join(checkpoint, 'weights.bin'), 0),
      '/weights.bin, which model.json names: EACCES',
      '/weights.bin, which model.json names: EACCES',
    ],
    ['a folder', () => chmodSync(checkpoint, 0), '/model.json: EACCES', ': EACCES'],
  ])('that may not read %s gets an error', (_, forbid, whenLoaded, whenFound) => {
    forbid();
    const [load, save, latest] = asSomebodyElse(folder);
    expect(load).toContain(`modelFiles: cannot read ${checkpoint}${whenLoaded}`);
    expect(save).toContain(`modelFiles: cannot save a model to ${checkpoint}: EACCES: permission denied`);
    expect(latest).toContain(`latestCheckpoint: cannot read ${checkpoint}${whenFound}`);
    expect(readdirSync(checkpoint)).toEqual(['model.json', 'weights.bin']);
  });

  test('that may not write gets an error and changes nothing', () => {
    const [load, save] = asSomebodyElse(folder);
    expect(load).toBe('done [object Object]');
    expect(save).toMatch(/^modelFiles: cannot save a model to .*EACCES: permission denied/);
    expect(readdirSync(checkpoint)).toEqual(['model.json', 'weights.bin']);
  });
});
