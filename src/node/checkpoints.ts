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
  /** The epoch that is done, or the step; one of the two. Counted from 0. */
  epoch?: number;
  step?: number;
  /** How many of the newest checkpoints stay, >= 1, not counting damaged ones. Default 2. */
  keep?: number;
  /** Anything of yours that JSON can hold. */
  state?: Json;
}

export interface CheckpointsOptions {
  /** Save after every so many epochs, and after the last. Default 1. */
  every?: number;
  /** How many of the newest checkpoints stay, >= 1, not counting damaged ones. Default 2. */
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
  /** Newer checkpoints that are damaged, the newest first. */
  passedOver: DamagedCheckpoint[];
  /**
   * The model, compiled as it was, with the state of its optimizer, and its losses by output, to `anneal` or `set`
   * those that are a `NamedLoss`. Losses and metrics of your own are handed in, as to `compileSaved`. The first call
   * takes the bytes that `latestCheckpoint` has read, so it works also after the checkpoint has been removed; further
   * calls read it again. If it rejects, no tensor stays behind.
   */
  load(own?: CompileSavedOptions): Promise<{ model: LayersModel } & CompiledSaved>;
}

/** A checkpoint that cannot be used. */
export interface DamagedCheckpoint {
  folder: string;
  /** Which file is damaged, what it should have and what it has. */
  why: string;
}

// (What needs tfjs is imported when it is needed: see modelFiles.ts.)

type Kind = 'epoch' | 'step';

/** The name of a checkpoint's folder. */
interface CheckpointName {
  name: string;
  kind: Kind;
  count: number;
}

/** The digits of a number, so that listings are in order; from 1e8 on there are as many as are needed. */
const DIGITS = 8;

/**
 * Saves a model with all that training needs to go on (`saveModel`) as `folder/epoch-00000007` or `folder/step-…`,
 * and removes older ones. Whenever the program is killed, or the disk is full, each checkpoint in the folder is whole
 * or does not count. Only checkpoints are removed that this process wrote or found when it began to write, so another
 * one's stay; and only once there are `keep` whole ones, so that the last whole one is never lost to damaged ones. One
 * that cannot be removed is tried again at the next save, and named once on the console.
 *
 * @param options `{ epoch }` or `{ step }`, `keep`, `state`
 * @throws (rejects) as saveModel, or with what the file system says; nothing of the new checkpoint stays then, and the
 *   older ones do
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
 * A callback for `model.fit` and `model.fitDataset` that writes a checkpoint after each epoch (see saveCheckpoint),
 * from which `latestCheckpoint` goes on. With data in an order of its own for each epoch (`epochBatches`) a run that
 * was killed and resumed ends at the weights of one that was not, bit for bit where the backend's sums do not depend
 * on threads.
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
    const path = resolve(folder); // however the working directory changes
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
 * The newest whole checkpoint in a folder that `checkpoints` or `saveCheckpoint` wrote to, or undefined if there is
 * none. Each byte of it is checked against its hash. Newer ones that are damaged are passed over, with a warning on
 * the console, and are in `passedOver`; ones that were not finished are no checkpoints.
 *
 * @throws (rejects) if there are checkpoints and all are damaged, so that nobody begins anew by mistake; if the
 *   folder holds checkpoints of epochs and of steps, or is a checkpoint itself; if the newest was written by a newer
 *   softseg, or not by saveModel; or with what the file system says, for instance that it may not be read
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
      // One without a model may be unfinished, or on its way out, because a writer has finished a newer one since the folder
      // was listed: it is looked at again until it is as it was before.
      const isUnsure = found.some((one) => !whole.includes(one) && (!newest || one.count > newest.count));
      const state = [listed, whole].map((all) => all.map(({ name }) => name).sort().join()).join(';'); // prettier-ignore
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
        // (Newer ones may have come while others were read.)
        const newer = damaged.filter(({ count }) => count > newest.count);
        latest.passedOver = newer.map(({ folder, why }) => ({ folder, why }));
        warnOf(fn, latest);
        return latest;
      } catch (error) {
        // Another program may have removed it meanwhile, because there is a newer one.
        if (await isGone(checkpoint)) continue;
        if (!isDamage(error)) throw error;
        damaged.push({ ...newest, folder: checkpoint, why: (error as Error).message });
      }
    }
    return fail(`${path} had other checkpoints each of the ${TRIES} times that it was read`);
  });
}

/** How often checkpoints may be removed while they are read, or be damaged. */
const TRIES = 1000;

/** Errors of the file system that say nothing about the file: it may be whole. */
const NOT_OF_THE_FILE = ['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM', 'EBUSY', 'EINTR', 'ETIMEDOUT', 'ESTALE'];

/** An error about a checkpoint that is whole. */
class NotDamaged extends Error {}

const isDamage = (error: unknown): boolean =>
  !(error instanceof NotDamaged) && !NOT_OF_THE_FILE.includes(codeOf(error) ?? '');

/** Those that have a model, the newest first. */
async function finished(folder: string, found: readonly CheckpointName[]): Promise<CheckpointName[]> {
  const whole: CheckpointName[] = [];
  for (const one of [...found].sort((a, b) => b.count - a.count)) {
    const path = join(folder, one.name);
    const has = await hasModel(path).catch((error: unknown) => {
      if (isMissing(error)) return false;
      if (isDamage(error)) return true; // a file, say, which is found out when it is read
      throw fileError(`cannot read ${path}`, error);
    });
    if (has) whole.push(one);
  }
  const kinds = new Set(whole.map(({ kind }) => kind));
  if (kinds.size > 1) fail(`${folder} holds checkpoints of epochs and of steps; keep them apart`);
  return whole;
}

/** Refuses the folder of a checkpoint where the one above is meant. */
async function refuseCheckpoint(path: string): Promise<void> {
  if (!parse(basename(path)) || !(await hasModel(path).catch(() => false))) return;
  fail(`${path} is a checkpoint itself; give the folder that it is in, ${dirname(path)}`);
}

function noneLeft(folder: string, damaged: readonly DamagedCheckpoint[]): undefined {
  if (damaged.length === 0) return undefined;
  const why = damaged.map((one) => one.why).join('; ');
  fail(`all checkpoints in ${folder} are damaged: ${why}. To begin anew, remove the folder or use another one`);
}

/** A checkpoint that has been read. */
async function describe(
  fn: string,
  folder: string,
  { kind, count }: CheckpointName,
  read: ModelRead,
): Promise<Checkpoint> {
  const state = await stateIn(folder, read);
  const { compileSaved } = await import('../training/saving/compileSaved.js');
  let artifacts: io.ModelArtifacts | undefined = read.artifacts; // until they are used: nothing else may hold them
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
    // A newer softseg wrote it, or another program, or all bytes are as they were written.
    throw withName(sealed || error instanceof OtherFile ? new NotDamaged(message) : new Error(message));
  }
}

const warned = new Set<string>();

function warnOf(fn: string, { folder, passedOver }: Checkpoint): void {
  for (const { folder: damaged, why } of passedOver) {
    warnOnce(why, `${fn}: the checkpoint ${damaged} is damaged, and ${folder} is used: ${why}`);
  }
}

function warnOnce(about: string, message: string): void {
  if (warned.has(about)) return;
  warned.add(about);
  console.warn(visibleLine(message));
}

/** By folder: those that were there when this process began to write, and its own. */
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

/** By folder of a checkpoint, the model that was read or written there whole. */
const wholeOnes = new Map<string, string>();

/** Removes the older ones, once there are as many whole ones as are to be kept. */
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
      // (A link is not ours.)
      if ((await lstat(path)).isDirectory()) await removeModel(path);
    } catch (error) {
      if (!isMissing(error)) {
        // The new one is saved: no reason to end the training. It is tried again at the next.
        const message = `${join(folder, saved.name)} is saved, but ${path}, which is older, cannot be removed yet`;
        warnOnce(path, `${fn}: ${fileError(message, error).message}`);
        continue;
      }
    }
    wholeOnes.delete(path);
    names.delete(name);
  }
}

/** All of its bytes are read only if this process has not read or written them before. */
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

/** Whether a checkpoint was removed, by its model.json. */
async function isGone(folder: string): Promise<boolean> {
  return lstat(join(folder, 'model.json')).then(() => false, isMissing);
}

/** Those that have the name of a checkpoint, whole or not. */
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
