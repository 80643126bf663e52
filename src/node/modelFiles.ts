import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { ArgumentError, inAsyncFunction, inFunction } from '../argumentError.js';
import { fail } from '../checks.js';
import { visibleLine } from '../visibleText.js';
import { fileError, isMissing, withCause } from './fileError.js';
import {
  checkFolder,
  makeFolders,
  openInside,
  readWhole,
  removeEmpty,
  sync,
  writeWhole,
  type OpenFile,
} from './files.js';
import { LONGEST, parseModelJson, sealedText, type CheckedModel, type WeightsFile } from './modelJson.js';

// Imported when needed, because softseg/node can be imported without tfjs, to report what to install.
const tfjs = () => import('@tensorflow/tfjs-core');

const MODEL = 'model.json';
const WEIGHTS = /^weights-[0-9a-f]+\.bin$/;
/** Files that a killed run may leave. After an hour they are taken to be abandoned. */
const UNFINISHED = /^(weights-[0-9a-f]+\.bin|model\.json\.[0-9a-f]+)$/;
const HOUR = 3_600_000; // milliseconds

/** How often a folder may be replaced while it is read, or removed while it is written. */
const TRIES = 100;

/**
 * Saves and loads a model in a folder, on any backend in Node; for `model.save`, `saveModel` and `tf.loadLayersModel`.
 * The folder holds `model.json` and a file of weights, in the format that `file://` of tfjs-node writes and reads. Even
 * if the program is killed, or the disk is full, the folder holds either the old model or the new one, whole: the
 * weights are written under a new name, and when everything is on the disk, the new model.json replaces the old one in
 * one step.
 *
 * model.json has the length and the sha256 of the weights and, as its last field, a sha256 of itself; other readers
 * ignore them. If any byte has changed since, the model is not loaded. If you edit model.json by hand, remove its
 * fields `checked` and `sha256`. A folder that `file://` or a converter wrote has no hashes; there the lengths and the
 * structure of model.json are checked. All files must lie in the folder, also after links are resolved.
 *
 * @param folder the path of the folder, which is created if it does not exist
 * @throws (rejects) when saving, the error of the file system, and the old model stays; when loading, an error that
 * says which file is damaged, what it should contain and what it contains
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 2 })] });
 * model.compile({ optimizer: 'adam', loss: diceLoss });
 * const folder = `${(await import('node:os')).tmpdir()}/softseg-model`;
 * await saveModel(model, modelFiles(folder), { state: { epoch: 3 } });
 *
 * const again = await tf.loadLayersModel(modelFiles(folder));
 * compileSaved(again).state; // { epoch: 3 }
 * ```
 */
export function modelFiles(folder: string): io.IOHandler {
  const fn = 'modelFiles';
  return inFunction(fn, () => {
    checkFolder(folder);
    const path = resolve(folder);
    return {
      save: (artifacts) => inAsyncFunction(fn, () => writeModel(path, artifacts)),
      load: () => inAsyncFunction(fn, async () => (await readModel(path)).artifacts),
    };
  });
}

/** True if a folder has a model.json, valid or not. */
export async function hasModel(folder: string): Promise<boolean> {
  return (await readdir(folder)).includes(MODEL);
}

/** Removes the model. model.json goes first, so that a partly removed folder does not count as a model. */
export async function removeModel(folder: string): Promise<void> {
  ownWeights.delete(folder);
  await rm(join(folder, MODEL), { force: true });
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Writes a model to the folder. If that fails, the folder is as before. */
export async function writeModel(folder: string, artifacts: io.ModelArtifacts): Promise<io.SaveResult> {
  if (artifacts.modelTopology instanceof ArrayBuffer) fail('takes models of tfjs-layers, got a binary topology');
  const tf = await tfjs();
  const data = new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData));
  for (let tries = 1; ; tries++) {
    try {
      await write(folder, artifacts, data);
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    } catch (error) {
      // Another program may have removed the folder while it was still empty.
      if (isMissing(error) && tries < TRIES) continue;
      if (error instanceof ArgumentError) throw error;
      throw fileError(`cannot save a model to ${folder}`, error);
    }
  }
}

async function write(folder: string, artifacts: io.ModelArtifacts, data: Uint8Array): Promise<void> {
  const { weightSpecs = [], weightData: _, ...model } = artifacts;
  const id = randomBytes(8).toString('hex');
  const [weights, json] = [`weights-${id}.bin`, `${MODEL}.${id}`];
  const made = await makeFolders(folder);
  let replaced: string[];
  let renaming = false;
  try {
    const sha256 = await writeWhole(join(folder, weights), data);
    const group = { paths: [weights], bytes: [data.length], sha256: [sha256], weights: weightSpecs };
    const text = sealedText(join(folder, MODEL), { ...model, weightsManifest: [group] } as io.ModelJSON);
    await writeWhole(join(folder, json), text);
    await sync(folder); // so that the names of the files are on the disk before model.json refers to one
    replaced = await weightsOf(folder).catch(() => []); // there is no model, or an unreadable one
    renaming = true;
    await rename(join(folder, json), join(folder, MODEL));
  } catch (error) {
    if (!renaming || !(await mayName(folder, weights))) await remove(folder, [weights]);
    await remove(folder, [json]);
    await removeEmpty(made);
    throw error;
  }
  await sync(folder).catch((error: unknown) => {
    const { message } = error as Error;
    throw withCause(`it is written, but perhaps not on the disk yet, so the previous one is kept: ${message}`, error);
  });
  // Other processes may be saving here, too. Only weights that model.json named before are surely unused, because it
  // never names them again.
  await remove(folder, replaced);
  await remove(folder, await replacedByOthers(folder, weights).catch(() => []));
  await remove(folder, await unfinished(folder, weights).catch(() => []));
}

/** By folder: the files of weights that this process wrote, and that model.json has named. */
const ownWeights = new Map<string, Set<string>>();

/**
 * Returns the weights of this process whose model.json another writer has replaced, so that they can be removed. That
 * writer may not know of them, because it looked for the weights to remove before this model was there. If a model.json
 * is replaced later, the next save of this process finds its weights. If it does not save again, they are removed like
 * those of killed runs.
 *
 * @param written the weights of this process that model.json has just named
 */
async function replacedByOthers(folder: string, written: string): Promise<string[]> {
  const own = ownWeights.get(folder) ?? new Set();
  ownWeights.set(folder, own.add(written));
  const before = [...own];
  const inUse = await weightsOf(folder); // read after `before`, which have all been named once, and never will be again
  const gone = before.filter((name) => !inUse.includes(name));
  for (const name of gone) own.delete(name);
  return gone;
}

/**
 * True if model.json names the weights although its renaming failed: a network disk may report an error for a renaming
 * that it has done.
 */
async function mayName(folder: string, weights: string): Promise<boolean> {
  try {
    return (await weightsOf(folder)).includes(weights);
  } catch (error) {
    return !isMissing(error);
  }
}

/** Removes files. A file that cannot be removed stays; the next save tries again. */
async function remove(folder: string, files: readonly string[]): Promise<void> {
  await Promise.allSettled(files.map((file) => rm(join(folder, file), { force: true })));
}

/** The files of weights that model.json names, as far as modelFiles wrote them. */
async function weightsOf(folder: string): Promise<string[]> {
  const { groups } = await readModelJson(folder);
  return groups.flatMap(({ files }) => files.map(({ path }) => path)).filter((path) => WEIGHTS.test(path));
}

/**
 * @param written a file that was just written, which gives the time by the clock of the disk, which may be on another
 * machine
 */
async function unfinished(folder: string, written: string): Promise<string[]> {
  const inUse = await weightsOf(folder);
  const files = (await readdir(folder)).filter((file) => UNFINISHED.test(file) && !inUse.includes(file));
  const { mtimeMs: now } = await stat(join(folder, written));
  const stats = await Promise.allSettled(files.map((file) => stat(join(folder, file))));
  return files.filter((_, i) => {
    const one = stats[i]!;
    return one.status === 'fulfilled' && now - one.value.mtimeMs > HOUR;
  });
}

/** A model that was read, and that matches its lengths and hashes. */
export interface ModelRead {
  artifacts: io.ModelArtifacts;
  /** Identifies the model. */
  id: string;
  /** True if hashes confirm that all of its bytes are as they were written. */
  sealed: boolean;
}

export async function readModel(folder: string): Promise<ModelRead> {
  const tf = await tfjs();
  return withWeights(folder, async (model, files) => {
    const data = await readWeights(folder, model, files);
    const specs = model.groups.flatMap(({ weights }) => weights);
    const artifacts = await tf.io.getModelArtifactsForJSON(model.json, async () => [specs, data]);
    return { artifacts, id: model.id, sealed: model.sealed };
  });
}

/** The same as readModel, without reading the weights, of which only the lengths are checked. Returns the id. */
export function probeModel(folder: string): Promise<string> {
  return withWeights(folder, async ({ id }) => id);
}

/** Opens the files of weights that model.json names, calls `use`, and closes them. Once open, they may be removed. */
async function withWeights<T>(
  folder: string,
  use: (model: CheckedModel, files: readonly OpenFile[]) => Promise<T>,
): Promise<T> {
  let before: string | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const model = await readModelJson(folder);
    const open: OpenFile[] = [];
    try {
      for (const file of model.groups.flatMap(({ files }) => files)) open.push(await openWeights(folder, file));
      checkLengths(folder, model, open);
      return await use(model, open);
    } catch (error) {
      // A new model may have replaced this one since model.json was read.
      if (!isMissing(error) || model.id === before) throw error;
      before = model.id;
    } finally {
      await Promise.all(open.map(({ handle }) => handle.close()));
    }
  }
  return fail(`the model in ${folder} was different each of the ${TRIES} times that it was read`);
}

function openWeights(folder: string, { path }: WeightsFile): Promise<OpenFile> {
  return openInside(folder, path).catch((error: unknown) => {
    throw fileError(`cannot read ${join(folder, path)}, which ${MODEL} names`, error);
  });
}

function checkLengths(folder: string, { groups }: CheckedModel, open: readonly OpenFile[]): void {
  const sizes = open.map(({ size }) => size);
  let at = 0;
  for (const { files, bytes } of groups) {
    const own = sizes.slice(at, (at += files.length));
    files.forEach((file, i) => {
      if (file.bytes !== null && file.bytes !== own[i]) {
        const path = visibleLine(join(folder, file.path));
        fail(`${path} is damaged: it has ${own[i]} bytes, but was written with ${file.bytes}`);
      }
    });
    const total = own.reduce((a, b) => a + b, 0);
    if (bytes !== total) {
      const paths = visibleLine(files.map(({ path }) => path).join(' and ')) || 'no file';
      fail(`${folder} is damaged: the shapes in ${MODEL} take ${bytes} bytes, but ${paths} has ${total}`);
    }
  }
}

async function readWeights(folder: string, { groups }: CheckedModel, open: readonly OpenFile[]): Promise<ArrayBuffer> {
  const data = allocate(folder, open.reduce((sum, { size }) => sum + size, 0)); // prettier-ignore
  const files = groups.flatMap((group) => group.files);
  let at = 0;
  for (const [i, { path, sha256 }] of files.entries()) {
    const { size } = open[i]!;
    const actual = await readWhole(open[i]!, new Uint8Array(data, at, size)).catch((error: unknown) => {
      throw fileError(`cannot read ${join(folder, path)}`, error);
    });
    at += size;
    if (sha256 !== null && sha256 !== actual) {
      fail(
        `${visibleLine(join(folder, path))} is damaged: it has the sha256 ${actual}, but was written with ${sha256}`,
      );
    }
  }
  return data;
}

/**
 * Allocates memory for the weights. A damaged file may be sparse and claim a huge size, and a system may promise more
 * memory than it has, so the size is compared with that of the machine.
 */
function allocate(folder: string, bytes: number): ArrayBuffer {
  try {
    if (bytes > totalmem()) throw new RangeError(`this machine has ${totalmem()}`);
    return new ArrayBuffer(bytes);
  } catch (error) {
    const thrown = fileError(`no memory for the ${bytes} bytes of weights in ${folder}`, error);
    throw Object.assign(thrown, { code: 'ENOMEM' }); // so that the files do not count as damaged
  }
}

async function readModelJson(folder: string): Promise<CheckedModel> {
  const path = join(folder, MODEL);
  return parseModelJson(path, await readText(folder, path));
}

async function readText(folder: string, path: string): Promise<Buffer> {
  try {
    const file = await openInside(folder, MODEL);
    try {
      if (file.size > LONGEST) throw new Error(`it has ${file.size} bytes, more than a string can hold`);
      const bytes = Buffer.alloc(file.size);
      await readWhole(file, bytes);
      return bytes;
    } finally {
      await file.handle.close();
    }
  } catch (error) {
    throw fileError(`cannot read ${path}`, error);
  }
}
