import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { fail, show } from '../checks.js';
import type { WithMetadata } from '../training/savedTraining.js';
import { isMissing } from './missing.js';

// softseg/node can be imported where tfjs is missing, to say what to install.
const tfjs = () => import('@tensorflow/tfjs-core');

const MODEL = 'model.json';
const WEIGHTS = /^weights-[0-9a-f]+\.bin$/;
/** What a run that was killed may leave; after an hour nobody is at work on it any more. */
const UNFINISHED = /^(weights-[0-9a-f]+\.bin|model\.json\.[0-9a-f]+)$/;
const HOUR = 3_600_000; // milliseconds

/**
 * A folder for a model, on any backend in Node, for `model.save`, `saveModel` and `tf.loadLayersModel`: `model.json` and a
 * file of weights, as tfjs-node's `file://` writes and reads them. Whenever the program is killed, the folder holds the
 * model of before or the new one, whole: the weights are written under a new name, and model.json takes the place of the
 * old one in one step, when all is on the disk.
 *
 * @param folder is made if it is not there
 * @throws (rejects) what the file system says; the model that is there stays
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 2 })] });
 * model.compile({ optimizer: 'adam', loss: diceLoss });
 * const folder = `${(await import('node:os')).tmpdir()}/softseg-model`;
 * await saveModel(model, modelFiles(folder), { state: { epoch: 3 } });
 *
 * const again = await tf.loadLayersModel(modelFiles(folder));
 * compileSaved(again);
 * savedState(again).epoch; // 3
 * ```
 */
export function modelFiles(folder: string): io.IOHandler {
  if (typeof folder !== 'string' || folder === '') fail('modelFiles', `folder must be a path, got ${show(folder)}`);
  return { save: (artifacts) => save(folder, artifacts), load: () => load(folder) };
}

/** Whether a folder holds a whole model. */
export async function hasModel(folder: string): Promise<boolean> {
  return (await readdir(folder).catch((): string[] => [])).includes(MODEL);
}

/** What the model's file says besides the model. */
export async function metadataIn(folder: string): Promise<WithMetadata> {
  const { userDefinedMetadata } = await readModelJson(folder);
  return { getUserDefinedMetadata: () => userDefinedMetadata! };
}

/** Removes the model, so that what is left in between is no model. */
export async function removeModel(folder: string): Promise<void> {
  await rm(join(folder, MODEL), { force: true });
  await rm(folder, { recursive: true, force: true });
}

async function save(folder: string, artifacts: io.ModelArtifacts): Promise<io.SaveResult> {
  if (artifacts.modelTopology instanceof ArrayBuffer) {
    fail('modelFiles', 'takes models of tfjs-layers, got a topology in binary');
  }
  const tf = await tfjs();
  const { weightSpecs = [], weightData, ...model } = artifacts;
  const id = randomBytes(8).toString('hex');
  const [weights, json] = [`weights-${id}.bin`, `${MODEL}.${id}`];
  const weightsManifest = [{ paths: [weights], weights: weightSpecs }];
  await mkdir(folder, { recursive: true });
  let replaced: string[];
  try {
    const data = tf.io.CompositeArrayBuffer.join(weightData);
    await writeWhole(join(folder, weights), new Uint8Array(data));
    await writeWhole(join(folder, json), JSON.stringify({ ...model, weightsManifest }));
    replaced = await weightsOf(folder);
    await rename(join(folder, json), join(folder, MODEL));
  } catch (error) {
    await Promise.all([weights, json].map((file) => rm(join(folder, file), { force: true })));
    throw error;
  }
  await sync(folder);
  // Others may be saving here, too: only weights that model.json named before, which it never will again, are in nobody's use.
  const left = await unfinished(folder, await weightsOf(folder));
  await Promise.all([...replaced, ...left].map((file) => rm(join(folder, file), { force: true })));
  return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
}

/** The files of weights that model.json names, if they are of modelFiles. */
async function weightsOf(folder: string): Promise<string[]> {
  try {
    const { weightsManifest } = await readModelJson(folder);
    return weightsManifest.flatMap((group) => group.paths).filter((path) => WEIGHTS.test(path));
  } catch {
    return []; // no model, or not one that can be read
  }
}

async function unfinished(folder: string, inUse: readonly string[]): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => UNFINISHED.test(file) && !inUse.includes(file));
  const ages = files.map((file) =>
    stat(join(folder, file)).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    ),
  );
  const old = await Promise.all(ages);
  return files.filter((_, i) => old[i]! > HOUR);
}

async function load(folder: string): Promise<io.ModelArtifacts> {
  try {
    return await read(folder);
  } catch (error) {
    // A new model may have taken the place of this one since model.json was read.
    if (isMissing(error) && (await hasModel(folder))) return read(folder);
    throw error;
  }
}

async function read(folder: string): Promise<io.ModelArtifacts> {
  const tf = await tfjs();
  const json = await readModelJson(folder);
  return tf.io.getModelArtifactsForJSON(json, async (manifest) => {
    const paths = manifest.flatMap((group) => group.paths);
    const parts = await Promise.all(paths.map((path) => readFile(join(folder, path))));
    const bytes = Uint8Array.from(Buffer.concat(parts));
    return [manifest.flatMap(({ weights }) => weights), bytes.buffer];
  });
}

async function readModelJson(folder: string): Promise<io.ModelJSON> {
  return JSON.parse(await readFile(join(folder, MODEL), 'utf8')) as io.ModelJSON;
}

async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** That a rename has happened is on the disk when the folder is. */
async function sync(folder: string): Promise<void> {
  // (Windows opens no folders.)
  const file = await open(folder, 'r').catch(() => null);
  await file?.sync().catch(() => {});
  await file?.close();
}
