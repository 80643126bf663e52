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

// softseg/node can be imported where tfjs is missing, to say what to install.
const tfjs = () => import('@tensorflow/tfjs-core');

const MODEL = 'model.json';
const WEIGHTS = /^weights-[0-9a-f]+\.bin$/;
/** What a run that was killed may leave; after an hour nobody is at work on it any more. */
const UNFINISHED = /^(weights-[0-9a-f]+\.bin|model\.json\.[0-9a-f]+)$/;
const HOUR = 3_600_000; // milliseconds

/** How often a folder may be replaced while it is read, or removed while it is written to. */
const TRIES = 100;

/**
 * A folder for a model, on any backend in Node, for `model.save`, `saveModel` and `tf.loadLayersModel`: `model.json`
 * and a file of weights, as tfjs-node's `file://` writes and reads them. Whenever the program is killed, or the disk
 * is full, the folder holds the model of before or the new one, whole: the weights are written under a new name, and
 * model.json takes the place of the old one in one step, when all is on the disk.
 *
 * model.json has the length and the sha256 of the weights and, as its last field, a sha256 of itself; other readers
 * ignore them. A file in which any byte has changed since is not loaded. (To change model.json by hand, remove its
 * `checked` and `sha256`.) In a folder that `file://` or a converter wrote, which has no hashes, the lengths are
 * checked, and whether model.json makes sense. All files must lie in the folder, also where links lead.
 *
 * @param folder is made if it is not there
 * @throws (rejects) what the file system says, and the model that is there stays; when loading, an error that says
 *   which file is damaged, what it should have and what it has
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

/** Whether a folder has a model.json, of whatever kind. */
export async function hasModel(folder: string): Promise<boolean> {
  return (await readdir(folder)).includes(MODEL);
}

/** Removes the model, so that what is left in between is no model. */
export async function removeModel(folder: string): Promise<void> {
  ownWeights.delete(folder);
  await rm(join(folder, MODEL), { force: true });
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Writes a model to the folder, or leaves everything as it was. */
export async function writeModel(folder: string, artifacts: io.ModelArtifacts): Promise<io.SaveResult> {
  if (artifacts.modelTopology instanceof ArrayBuffer) fail('takes models of tfjs-layers, got a topology in binary');
  const tf = await tfjs();
  const data = new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData));
  for (let tries = 1; ; tries++) {
    try {
      await write(folder, artifacts, data);
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    } catch (error) {
      // Another program may have removed the folder, which was empty yet.
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
    await sync(folder); // the names of the files, before model.json names one
    replaced = await weightsOf(folder).catch(() => []); // no model, or not one that can be read
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
    throw withCause(`it is written, but perhaps not on the disk yet, and the one before it is kept: ${message}`, error);
  });
  // Others may be saving here, too: only weights that model.json named before, which it never will again, are in
  // nobody's use.
  await remove(folder, replaced);
  await remove(folder, await replacedByOthers(folder, weights).catch(() => []));
  await remove(folder, await unfinished(folder, weights).catch(() => []));
}

/** By folder, weights that this process wrote, and that model.json has named. */
const ownWeights = new Map<string, Set<string>>();

/**
 * Own weights whose model.json another writer has replaced since. That writer may not know: it looked for what it would
 * replace before this model was there. So it is this process that removes them, now or when it next saves here; if it
 * does not save again, they go as what killed runs leave.
 *
 * @param written own weights that model.json has just named
 */
async function replacedByOthers(folder: string, written: string): Promise<string[]> {
  const own = ownWeights.get(folder) ?? new Set();
  ownWeights.set(folder, own.add(written));
  const before = [...own];
  const inUse = await weightsOf(folder); // read after `before`, which have all been named: they never will be again
  const gone = before.filter((name) => !inUse.includes(name));
  for (const name of gone) own.delete(name);
  return gone;
}

/** Whether model.json names the weights though it could not be renamed, as disks in a network say of what they did. */
async function mayName(folder: string, weights: string): Promise<boolean> {
  try {
    return (await weightsOf(folder)).includes(weights);
  } catch (error) {
    return !isMissing(error);
  }
}

/** A file that cannot be removed stays: the next model that is saved tries again. */
async function remove(folder: string, files: readonly string[]): Promise<void> {
  await Promise.allSettled(files.map((file) => rm(join(folder, file), { force: true })));
}

/** The files of weights that model.json names, if they are of modelFiles. */
async function weightsOf(folder: string): Promise<string[]> {
  const { groups } = await readModelJson(folder);
  return groups.flatMap(({ files }) => files.map(({ path }) => path)).filter((path) => WEIGHTS.test(path));
}

/** @param written a file that was written now, by the clock of the disk, which may be another machine's */
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

/** A model that was read and fits what is recorded about it. */
export interface ModelRead {
  artifacts: io.ModelArtifacts;
  /** Tells two models apart. */
  id: string;
  /** Whether all of its bytes are those that were written, as hashes say. */
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

/** As readModel, without reading weights: their lengths are right. Gives the id. */
export function probeModel(folder: string): Promise<string> {
  return withWeights(folder, async ({ id }) => id);
}

/** Opens the files of weights that model.json names, which then may be removed, and closes them. */
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
      // A new model may have taken the place of this one since model.json was read.
      if (!isMissing(error) || model.id === before) throw error;
      before = model.id;
    } finally {
      await Promise.all(open.map(({ handle }) => handle.close()));
    }
  }
  return fail(`${folder} had another model each of the ${TRIES} times that it was read`);
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
    const of = sizes.slice(at, (at += files.length));
    files.forEach((file, i) => {
      if (file.bytes !== null && file.bytes !== of[i]) {
        fail(
          `${visibleLine(join(folder, file.path))} is damaged: it has ${of[i]} bytes, and was written with ${file.bytes}`,
        );
      }
    });
    const total = of.reduce((a, b) => a + b, 0);
    if (bytes !== total) {
      const paths = visibleLine(files.map(({ path }) => path).join(' and ')) || 'no file';
      fail(`${folder} is damaged: the shapes in ${MODEL} take ${bytes} bytes, and ${paths} has ${total}`);
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
        `${visibleLine(join(folder, path))} is damaged: it has the sha256 ${actual}, and was written with ${sha256}`,
      );
    }
  }
  return data;
}

/** Memory for files that are there, in this size; but they may be sparse, and a system may promise more than it has. */
function allocate(folder: string, bytes: number): ArrayBuffer {
  try {
    if (bytes > totalmem()) throw new RangeError(`this machine has ${totalmem()}`);
    return new ArrayBuffer(bytes);
  } catch (error) {
    const thrown = fileError(`no memory for the ${bytes} bytes of weights in ${folder}`, error);
    throw Object.assign(thrown, { code: 'ENOMEM' }); // which says nothing against the files
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
      if (file.size > LONGEST) throw new Error(`it has ${file.size} bytes, more than a text can have`);
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
