import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { inAsyncFunction, inFunction, withName } from '../argumentError.js';
import { checkInteger, checkOptionNames, fail, show } from '../checks.js';
import type { CompiledSaved, CompileSavedOptions } from '../training/saving/compileSaved.js';
import type { Json } from '../training/saving/json.js';
import { visibleLine } from '../visibleText.js';
import { codeOf, fileError, isMissing } from './fileError.js';
import { checkFolder } from './files.js';
import { loadModel } from './loadModel.js';
import { hasModel, probeModel, readModel, removeModel, writeModel, type ModelRead } from './modelFiles.js';

export interface SaveCheckpointOptions {
  /** The epoch or the step that is done, counted from 0. Exactly one of the two is required. */
  epoch?: number;
  step?: number;
  /** The number of newest checkpoints to keep, >= 1, not counting damaged ones. Default 2. */
  keep?: number;
  /** Any value of yours that JSON can hold. */
  state?: Json;
}

export interface CheckpointsOptions {
  /** A checkpoint is saved after each multiple of this number of epochs, and after the last epoch. Default 1. */
  every?: number;
  /** The number of newest checkpoints to keep, >= 1, not counting damaged ones. Default 2. */
  keep?: number;
  /** A function that returns any value of yours that JSON can hold. It is called for each checkpoint. */
  state?: () => Json;
}

/** A callback for `model.fit` and `model.fitDataset`. */
export interface CheckpointCallback {
  onTrainBegin(): void;
  onEpochEnd(epoch: number): Promise<void>;
  onTrainEnd(): Promise<void>;
}

/** A whole checkpoint. */
export interface Checkpoint {
  folder: string;
  /** The epoch that was done, so a resumed `fit` needs `initialEpoch: epoch + 1`. -1 for a checkpoint of a step. */
  epoch: number;
  /** The step that was done; -1 for a checkpoint of an epoch. */
  step: number;
  /** The `state` that was saved; undefined if there was none. */
  state: Json | undefined;
  /** The newer checkpoints that are damaged, the newest first. */
  passedOver: DamagedCheckpoint[];
  /**
   * Loads the model, compiled as it was saved, with the state of its optimizer. The result also has its losses by
   * output; those that are a `NamedLoss` can be passed to `anneal`, or changed by `set`. Pass losses and metrics of
   * your own as to `compileSaved`. The first call uses the bytes that `latestCheckpoint` has read, so it works even if
   * the checkpoint has been removed since; further calls read it again. If it rejects, no tensor is leaked.
   */
  load(own?: CompileSavedOptions): Promise<{ model: LayersModel } & CompiledSaved>;
}

/** A checkpoint that cannot be used. */
export interface DamagedCheckpoint {
  folder: string;
  /** The error message: which file is damaged, what it should contain and what it contains. */
  why: string;
}

// Modules that need tfjs are imported when they are needed: see modelFiles.ts.

type Kind = 'epoch' | 'step';

/** The name of a checkpoint's folder, and its parts. */
interface CheckpointName {
  name: string;
  kind: Kind;
  count: number;
}

/** The number of digits in a name, so that listings are in order. Numbers from 1e8 on have more digits. */
const DIGITS = 8;

/**
 * Saves a model with everything that training needs to go on (`saveModel`) as a checkpoint, `folder/epoch-00000007` or
 * `folder/step-…`, and removes older checkpoints. Even if the program is killed, or the disk is full, each checkpoint
 * in the folder is either whole or ignored. A checkpoint is removed only if this process wrote it, or found it when it
 * wrote its first one here, so those of another process stay. It is also removed only if there are `keep` newer whole
 * checkpoints, so that damaged ones never displace the last whole one. If a checkpoint cannot be removed, a warning
 * names it once, and the next save tries again.
 *
 * @param options `{ epoch }` or `{ step }`, `keep`, `state`
 * @throws (rejects) in the same cases as saveModel, or with the error of the file system. The new checkpoint is then
 * removed, and the older ones stay
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
export function saveCheckpoint(model: LayersModel, folder: string, options: SaveCheckpointOptions): Promise<void> {
  const fn = 'saveCheckpoint';
  return inAsyncFunction(fn, async () => {
    checkFolder(folder);
    checkOptionNames(options, ['epoch', 'step', 'keep', 'state'], ['state']);
    const { epoch, step, keep = 2, state } = options;
    if ((epoch === undefined) === (step === undefined)) {
      fail(`needs an epoch or a step, got epoch ${show(epoch)} and step ${show(step)}`);
    }
    const [kind, count]: [Kind, number] = epoch !== undefined ? ['epoch', epoch] : ['step', step!];
    checkInteger(kind, count, 0);
    checkInteger('keep', keep, 1);
    const path = resolve(folder);
    await refuseCheckpoint(path);
    const own = await checkpointsOf(path);
    const name = nameOf(kind, count);
    const { saveModel } = await import('../training/saving/saveModel.js');
    const checkpoint = join(path, name);
    await saveModel(
      model,
      { save: (artifacts) => inAsyncFunction(fn, () => writeModel(checkpoint, artifacts)) },
      { state },
    );
    own.set(name, { name, kind, count });
    await isWhole(checkpoint, { readAll: false });
    await removeOlder(fn, path, own, { name, kind, count }, keep);
  });
}

/**
 * A callback for `model.fit` and `model.fitDataset` that saves a checkpoint after each epoch (see saveCheckpoint).
 * `latestCheckpoint` finds it, to resume the run. If the order of the data depends only on the epoch (`epochBatches`),
 * a run that was killed and resumed ends with the same weights as one without the interruption, bit for bit if the sums
 * of the backend do not depend on threads.
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
  return inFunction('checkpoints', () => {
    checkFolder(folder);
    checkOptionNames(options, ['every', 'keep', 'state']);
    const { every = 1, keep = 2, state } = options;
    checkInteger('every', every, 1);
    checkInteger('keep', keep, 1);
    if (state !== undefined && typeof state !== 'function') fail(`state must be a function, got ${show(state)}`);
    const path = resolve(folder); // so that a change of the working directory has no effect
    let unsaved: number | undefined;
    const save = async (epoch: number) => {
      await saveCheckpoint(model, path, { epoch, keep, ...(state && { state: state() }) });
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
  });
}

/**
 * Finds the newest whole checkpoint in a folder that `checkpoints` or `saveCheckpoint` wrote to; undefined if there is
 * no checkpoint. All of its bytes are checked against hashes. Newer checkpoints that are damaged are skipped, with a
 * warning on the console, and listed in `passedOver`. Unfinished checkpoints are ignored.
 *
 * @throws (rejects) if there are checkpoints and all of them are damaged, so that training does not start over by
 * mistake; if the folder holds checkpoints both of epochs and of steps, or is a checkpoint itself; if a newer softseg
 * wrote the newest one, or saveModel did not; or with the error of the file system, for instance if a file must not be
 * read
 *
 * @example
 * ```ts
 * await latestCheckpoint('no/such/folder'); // undefined
 * ```
 */
export function latestCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  const fn = 'latestCheckpoint';
  return inAsyncFunction(fn, async () => {
    checkFolder(folder);
    const path = resolve(folder);
    const damaged: (CheckpointName & DamagedCheckpoint)[] = [];
    let before: string | undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      const listed = await list(path);
      const found = listed.filter(({ name }) => !damaged.some((one) => one.name === name));
      const whole = await finished(path, found);
      const [newest] = whole;
      // A checkpoint without a model may be unfinished. Or it is being removed, because a writer has finished a newer
      // one since the folder was listed. So the folder is listed again until nothing has changed.
      const isUnsure = found.some((one) => !whole.includes(one) && (!newest || one.count > newest.count));
      const namesOf = (all: readonly CheckpointName[]) => all.map(({ name }) => name).sort().join(); // prettier-ignore
      const state = `${namesOf(listed)};${namesOf(whole)}`;
      if ((isUnsure || !newest) && state !== before) {
        if (!newest) await refuseCheckpoint(path);
        before = state;
        continue;
      }
      if (!newest) return noneLeft(path, damaged);
      const checkpoint = join(path, newest.name);
      try {
        const read = await readModel(checkpoint);
        const latest = await describe(fn, checkpoint, newest, read);
        wholeOnes.set(checkpoint, read.id);
        // Newer checkpoints may have appeared in the meantime, so not all damaged ones are newer than this one.
        const newer = damaged.filter(({ count }) => count > newest.count);
        latest.passedOver = newer.map(({ folder, why }) => ({ folder, why }));
        warnOf(fn, latest);
        return latest;
      } catch (error) {
        // Another program may have removed it in the meantime, because there is a newer one.
        if (await isGone(checkpoint)) continue;
        if (!isDamage(error)) throw error;
        damaged.push({ ...newest, folder: checkpoint, why: (error as Error).message });
      }
    }
    return fail(`the checkpoints in ${path} were different each of the ${TRIES} times that it was read`);
  });
}

/** The largest number of checkpoints that may be damaged, or removed while they are read. */
const TRIES = 1000;

/** Errors of the file system that are not due to the file, which may be whole. */
const NOT_OF_THE_FILE = ['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM', 'EBUSY', 'EINTR', 'ETIMEDOUT', 'ESTALE'];

/** An error about a checkpoint that is not damaged. */
class NotDamaged extends Error {}

const isDamage = (error: unknown): boolean =>
  !(error instanceof NotDamaged) && !NOT_OF_THE_FILE.includes(codeOf(error) ?? '');

/** The checkpoints that have a model, the newest first. */
async function finished(folder: string, found: readonly CheckpointName[]): Promise<CheckpointName[]> {
  const whole: CheckpointName[] = [];
  for (const one of [...found].sort((a, b) => b.count - a.count)) {
    const path = join(folder, one.name);
    const has = await hasModel(path).catch((error: unknown) => {
      if (isMissing(error)) return false;
      if (isDamage(error)) return true; // for instance a file in place of the folder; reading it will report that
      throw fileError(`cannot read ${path}`, error);
    });
    if (has) whole.push(one);
  }
  const kinds = new Set(whole.map(({ kind }) => kind));
  if (kinds.size > 1) fail(`${folder} holds checkpoints of epochs and of steps; use a folder for each kind`);
  return whole;
}

/** Throws if the path is that of a checkpoint; the folder above it is needed. */
async function refuseCheckpoint(path: string): Promise<void> {
  if (!parse(basename(path)) || !(await hasModel(path).catch(() => false))) return;
  fail(`${path} is a checkpoint itself; give the folder that it is in, ${dirname(path)}`);
}

function noneLeft(folder: string, damaged: readonly DamagedCheckpoint[]): undefined {
  if (damaged.length === 0) return undefined;
  const why = damaged.map((one) => one.why).join('; ');
  fail(`all checkpoints in ${folder} are damaged: ${why}. To start over, remove the folder or use another one`);
}

/** Describes a checkpoint that has been read. */
async function describe(
  fn: string,
  folder: string,
  { kind, count }: CheckpointName,
  read: ModelRead,
): Promise<Checkpoint> {
  const state = await stateIn(folder, read);
  const { compileSaved } = await import('../training/saving/compileSaved.js');
  // Set to undefined once used, so that their memory can be freed.
  let artifacts: io.ModelArtifacts | undefined = read.artifacts;
  return {
    folder,
    epoch: kind === 'epoch' ? count : -1,
    step: kind === 'step' ? count : -1,
    state,
    passedOver: [],
    load(own) {
      return inAsyncFunction(fn, async () => {
        const given = artifacts ?? (await readModel(folder)).artifacts;
        const loaded = await loadModel(folder, given, (model) => ({ model, ...compileSaved(model, own) }));
        artifacts = undefined;
        return loaded;
      });
    },
  };
}

async function stateIn(folder: string, { artifacts, sealed }: ModelRead): Promise<Json | undefined> {
  const [{ stateOf }, { OtherFile }] = await Promise.all([
    import('../training/saving/compileSaved.js'),
    import('../training/saving/checkSaved.js'),
  ]);
  try {
    return stateOf({ getUserDefinedMetadata: () => artifacts.userDefinedMetadata! });
  } catch (error) {
    const message = visibleLine(`${(error as Error).message} (${folder})`);
    // It is not damaged if a newer softseg or another program wrote it, or if all bytes are as they were written.
    throw withName(sealed || error instanceof OtherFile ? new NotDamaged(message) : new Error(message));
  }
}

const warned = new Set<string>();

function warnOf(fn: string, { folder, passedOver }: Checkpoint): void {
  for (const { folder: damaged, why } of passedOver) {
    warnOnce(why, `${fn}: the checkpoint ${damaged} is damaged, so ${folder} is used: ${why}`);
  }
}

function warnOnce(about: string, message: string): void {
  if (warned.has(about)) return;
  warned.add(about);
  console.warn(visibleLine(message));
}

/** By folder: the checkpoints that existed when this process first wrote there, and its own. */
const known = new Map<string, Promise<Map<string, CheckpointName>>>();

function checkpointsOf(folder: string): Promise<Map<string, CheckpointName>> {
  let names = known.get(folder);
  if (!names) {
    names = list(folder).then((found) => new Map(found.map((one) => [one.name, one])));
    known.set(folder, names);
    names.catch(() => known.delete(folder));
  }
  return names;
}

/** By folder of a checkpoint: the id of the whole model that was read or written there. */
const wholeOnes = new Map<string, string>();

/** Removes the older checkpoints, once there are as many whole ones as are to be kept. */
async function removeOlder(
  fn: string,
  folder: string,
  names: Map<string, CheckpointName>,
  saved: CheckpointName,
  keep: number,
): Promise<void> {
  const upTo = [...names.values()].filter(({ kind, count }) => kind === saved.kind && count <= saved.count);
  let kept = 0;
  for (const { name } of upTo.sort((a, b) => b.count - a.count)) {
    const path = join(folder, name);
    if (kept < keep) {
      if (await isWhole(path)) kept++;
      continue;
    }
    try {
      // A link is not softseg's, and stays.
      if ((await lstat(path)).isDirectory()) await removeModel(path);
    } catch (error) {
      if (!isMissing(error)) {
        // The new checkpoint is saved, so training need not end. The next save tries again.
        const message = `${join(folder, saved.name)} is saved, but ${path}, which is older, cannot be removed yet`;
        warnOnce(path, `${fn}: ${fileError(message, error).message}`);
        continue;
      }
    }
    wholeOnes.delete(path);
    names.delete(name);
  }
}

/** True if a checkpoint is whole. Its bytes are read only if this process has not read or written them before. */
async function isWhole(folder: string, { readAll = true } = {}): Promise<boolean> {
  try {
    const id = await probeModel(folder);
    if (wholeOnes.get(folder) === id) return true;
    wholeOnes.set(folder, readAll ? (await readModel(folder)).id : id);
    return true;
  } catch {
    return false;
  }
}

/** True if a checkpoint has been removed, which means that its model.json is gone. */
async function isGone(folder: string): Promise<boolean> {
  return lstat(join(folder, 'model.json')).then(() => false, isMissing);
}

/** All entries of the folder that have the name of a checkpoint, whole or not. */
async function list(folder: string): Promise<CheckpointName[]> {
  try {
    return (await readdir(folder)).flatMap((name) => parse(name) ?? []);
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileError(`cannot read ${folder}`, error);
  }
}

function parse(name: string): CheckpointName | undefined {
  const [, kind, digits] = /^(epoch|step)-(\d+)$/.exec(name) ?? [];
  if (digits === undefined) return undefined;
  const count = Number(digits);
  return nameOf(kind as Kind, count) === name ? { name, kind: kind as Kind, count } : undefined;
}

const nameOf = (kind: Kind, count: number): string => `${kind}-${String(count).padStart(DIGITS, '0')}`;
