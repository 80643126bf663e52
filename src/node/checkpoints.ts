import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkInteger, checkOptionNames, fail, show } from '../checks.js';
import type { CompiledSaved, CompileSavedOptions } from '../training/compileSaved.js';
import type { Json } from '../training/json.js';
import { isMissing } from './missing.js';
import { hasModel, metadataIn, modelFiles, removeModel } from './modelFiles.js';

export interface SaveCheckpointOptions {
  /** The epoch that is done, or the step; one of the two. Counted from 0. */
  epoch?: number;
  step?: number;
  /** How many of the newest checkpoints stay, >= 1. Default 2. */
  keep?: number;
  /** Anything of yours that JSON can hold. */
  state?: Json;
}

export interface CheckpointsOptions {
  /** Save after every so many epochs, and after the last. Default 1. */
  every?: number;
  /** How many of the newest checkpoints stay, >= 1. Default 2. */
  keep?: number;
  /** Anything of yours that JSON can hold, asked for at each checkpoint. */
  state?: () => Json;
}

/** A callback for `model.fit` and `model.fitDataset`. */
export interface CheckpointCallback {
  onTrainBegin(): void;
  onEpochEnd(epoch: number): Promise<void>;
  onTrainEnd(): Promise<void>;
}

/** A checkpoint that is there. */
export interface Checkpoint {
  folder: string;
  /** The epoch that was done: a resumed `fit` has `initialEpoch: epoch + 1`. -1 for a checkpoint of a step. */
  epoch: number;
  /** The step that was done; -1 for a checkpoint of an epoch. */
  step: number;
  /** What was given as `state`; undefined if nothing was. */
  state: Json | undefined;
  /**
   * The model, compiled as it was, with the state of its optimizer, and its losses by output, to `anneal` or `set` those
   * that are a `NamedLoss`. Losses and metrics of your own are handed in, as to `compileSaved`.
   */
  load(own?: CompileSavedOptions): Promise<{ model: LayersModel } & CompiledSaved>;
}

// (What needs tfjs is imported when it is needed: see modelFiles.ts.)

type Kind = 'epoch' | 'step';
const NAME = /^(epoch|step)-(\d{8})$/;

/**
 * Saves a model with all that training needs to go on (`saveModel`) as `folder/epoch-00000007` or `folder/step-…`, and
 * removes older ones. Whenever the program is killed, each checkpoint in the folder is whole or does not count. Only
 * checkpoints are removed that this process wrote or found when it began to write, so another one's stay.
 *
 * @param options `{ epoch }` or `{ step }`, `keep`, `state`
 * @throws (rejects) as saveModel, or with what the file system says; older checkpoints stay then
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 2 })] });
 * model.compile({ optimizer: 'adam', loss: diceLoss });
 * const folder = `${(await import('node:os')).tmpdir()}/softseg-run-${Date.now()}`; // yours stays the same
 * await saveCheckpoint(model, folder, { step: 41, state: { bestIou: 0.8 } });
 * const last = await latestCheckpoint(folder);
 * last.step; // 41
 * const { model: again } = await last.load();
 * ```
 */
export async function saveCheckpoint(
  model: LayersModel,
  folder: string,
  options: SaveCheckpointOptions,
): Promise<void> {
  const fn = 'saveCheckpoint';
  checkFolder(fn, folder);
  checkOptionNames(fn, options, ['epoch', 'step', 'keep', 'state'], ['state']);
  const { epoch, step, keep = 2, state } = options;
  if ((epoch === undefined) === (step === undefined)) {
    fail(fn, `needs an epoch or a step, got epoch ${show(epoch)} and step ${show(step)}`);
  }
  const [kind, count]: [Kind, number] = epoch !== undefined ? ['epoch', epoch] : ['step', step!];
  checkInteger(fn, kind, count, 0);
  checkInteger(fn, 'keep', keep, 1);
  const own = await checkpointsOf(folder);
  const name = `${kind}-${String(count).padStart(8, '0')}`;
  const { saveModel } = await import('../training/saveModel.js');
  await saveModel(model, modelFiles(join(folder, name)), { state });
  own.add(name);
  await removeOlder(folder, own, kind, count, keep);
}

/**
 * A callback for `model.fit` and `model.fitDataset` that writes a checkpoint after each epoch (see saveCheckpoint), from
 * which `latestCheckpoint` goes on. With data in an order of its own for each epoch (`epochBatches`) a run that was
 * killed and resumed ends at the weights of one that was not, bit for bit where the backend's sums do not depend on
 * threads.
 *
 * @throws if options do not fit; training rejects if a checkpoint cannot be written
 *
 * @example
 * ```ts
 * const folder = `${(await import('node:os')).tmpdir()}/softseg-run-${Date.now()}`; // yours stays the same
 * const data = { xs: tf.randomNormal([8, 4]), ys: tf.softmax(tf.randomNormal([8, 2])) };
 * const build = () => {
 *   const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 2 })] });
 *   model.compile({ optimizer: 'adam', loss: namedLoss('comboLoss') });
 *   return model;
 * };
 *
 * const last = await latestCheckpoint(folder); // undefined when the run begins
 * const model = last ? (await last.load()).model : build();
 * const initialEpoch = last ? last.epoch + 1 : 0;
 * const batches = epochBatches(data, { batchSize: 4, seed: 1, initialEpoch });
 * await model.fitDataset(batches, { epochs: 3, initialEpoch, verbose: 0, callbacks: checkpoints(model, folder) });
 * const done = await latestCheckpoint(folder);
 * done.epoch; // 2
 * ```
 */
export function checkpoints(model: LayersModel, folder: string, options: CheckpointsOptions = {}): CheckpointCallback {
  const fn = 'checkpoints';
  checkFolder(fn, folder);
  checkOptionNames(fn, options, ['every', 'keep', 'state']);
  const { every = 1, keep = 2, state } = options;
  checkInteger(fn, 'every', every, 1);
  checkInteger(fn, 'keep', keep, 1);
  if (state !== undefined && typeof state !== 'function') fail(fn, `state must be a function, got ${show(state)}`);
  let unsaved: number | undefined;
  const save = async (epoch: number) => {
    await saveCheckpoint(model, folder, { epoch, keep, ...(state && { state: state() }) });
    unsaved = undefined;
  };
  return {
    onTrainBegin() {
      unsaved = undefined;
    },
    async onEpochEnd(epoch) {
      unsaved = epoch;
      if ((epoch + 1) % every === 0) await save(epoch);
    },
    async onTrainEnd() {
      if (unsaved !== undefined) await save(unsaved);
    },
  };
}

/**
 * The newest whole checkpoint in a folder that `checkpoints` or `saveCheckpoint` wrote to, or undefined if there is none.
 *
 * @throws (rejects) if the folder holds checkpoints of epochs and of steps, or what is there is no model of saveModel
 *
 * @example
 * ```ts
 * await latestCheckpoint('no/such/folder'); // undefined
 * ```
 */
export async function latestCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  const fn = 'latestCheckpoint';
  checkFolder(fn, folder);
  const names = [...(await list(folder))].sort().reverse();
  const whole: string[] = [];
  for (const name of names) if (await hasModel(join(folder, name))) whole.push(name);
  const [name] = whole;
  if (name === undefined) return undefined;
  const kinds = new Set(whole.map((one) => parse(one).kind));
  if (kinds.size > 1) fail(fn, `${folder} holds checkpoints of epochs and of steps; keep them apart`);
  const { kind, count } = parse(name);
  const path = join(folder, name);
  const { compileSaved, stateOf } = await import('../training/compileSaved.js');
  return {
    folder: path,
    epoch: kind === 'epoch' ? count : -1,
    step: kind === 'step' ? count : -1,
    state: stateOf(fn, await metadataIn(path)),
    async load(own) {
      const { loadLayersModel } = await import('@tensorflow/tfjs-layers');
      const model = await loadLayersModel(modelFiles(path));
      return { model, ...compileSaved(model, own) };
    },
  };
}

/** By folder: those that were there when this process began to write, and its own. */
const known = new Map<string, Promise<Set<string>>>();

function checkpointsOf(folder: string): Promise<Set<string>> {
  const path = resolve(folder);
  const names = known.get(path) ?? list(path);
  known.set(path, names);
  return names;
}

async function removeOlder(folder: string, names: Set<string>, kind: Kind, count: number, keep: number): Promise<void> {
  const older = [...names].filter((name) => parse(name).kind === kind && parse(name).count <= count);
  for (const name of older.sort().reverse().slice(keep)) {
    await removeModel(join(folder, name));
    names.delete(name);
  }
}

/** The names of checkpoints, whole or not. */
async function list(folder: string): Promise<Set<string>> {
  try {
    return new Set((await readdir(folder)).filter((name) => NAME.test(name)));
  } catch (error) {
    if (isMissing(error)) return new Set();
    throw error;
  }
}

function parse(name: string): { kind: Kind; count: number } {
  const [, kind, count] = NAME.exec(name)!;
  return { kind: kind as Kind, count: Number(count) };
}

function checkFolder(fn: string, folder: unknown): void {
  if (typeof folder !== 'string' || folder === '') fail(fn, `folder must be a path, got ${show(folder)}`);
}
