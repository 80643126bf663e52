/**
 * This file decides when tensor values are checked, and reads them for the checks. The checks themselves are in
 * src/overlap/valueChecks.ts and in the functions that have rules of their own.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { currentFunction, inFunction } from './argumentError.js';
import { checkOneOf } from './checks.js';
import { constant } from './ops/constant.js';
import { canReadAtOnce } from './ops/canReadAtOnce.js';

/** When tensor values are checked, see `checkValues`. */
export type ValueChecks = 'always' | 'first' | 'never';

/** The values of a tensor in the form in which backends give them. */
export type Values = Float32Array | Int32Array | Uint8Array;

export type ValuesOf<T> = { [K in keyof T]: T[K] extends Tensor ? Values : Values | null };

/** The state of the checks since the last call of `checkValues`. */
interface Memory {
  when: ValueChecks;
  /** The kinds of calls whose values were right, or are being read. */
  passed: Set<string>;
  /** The number of calls of each kind whose values were no evidence, such as those of a black image. */
  idle: Map<string, number>;
  /** The errors of kinds whose values were read too late for their own call to throw. */
  refused: Map<string, Error>;
  /** The functions that have warned. */
  warned: Set<string>;
}

const remember = (when: ValueChecks): Memory => ({
  when,
  passed: new Set(),
  idle: new Map(),
  refused: new Map(),
  warned: new Set(),
});

/** After this many calls without evidence their kind passes, so that training does not pay for checks in every step. */
const MOST_IDLE_CALLS = 20;

let memory = remember('first');

/** Defined as 'never' by bundlers that leave the checks out, see `checkValues`. */
declare const SOFTSEG_VALUE_CHECKS: string | undefined;

/** Set during the update of an accumulator, in which values are always checked. `later` collects checks to wait for. */
let update: { later: Promise<unknown>[] | null } | null = null;

/**
 * Chooses when tensor values are checked, in the losses, `overlap`, the scores, `powerSharpen`, the soft labels and the
 * distances: on the `'first'` call of each kind (the default), `'always'`, or `'never'`.
 *
 * Two calls are of the same kind if they agree in function, rank, number of classes, kind and dtype of labels,
 * activation and names of options; batch size, spatial sizes and the values of options may differ. So training usually
 * reads back only its first batch. If all values of a batch are the same, they are no evidence, and the next batch is
 * read too, up to 20 batches. After a refused call, the next call of its kind is checked again. Accumulators, which
 * read sums back anyway, check each update unless checks are off; on webgl and webgpu they read extremes of the values,
 * and whole tensors only if these look wrong. Any call of `checkValues` forgets which kinds were seen; use that before
 * training on other data.
 *
 * These values are refused: NaN in labels, predictions and mask; labels and probabilities outside [0, 1]; labels that
 * do not sum to 1 under softmax; class indices that are not in 0..C-1; Infinity for which softmax is NaN; negative
 * weights; votes that are negative or more than there are annotators. Pixels that do not count are not checked.
 * Predictions that look like probabilities but are used as logits get one warning per function.
 *
 * If a bundler replaces `SOFTSEG_VALUE_CHECKS` by `"never"`, the checks are left out of the bundle.
 *
 * WebGPU cannot read tensors back synchronously. There the values are read while the program goes on; a fault is
 * reported with console.error, and the next call of that kind throws it.
 *
 * @example
 * ```ts
 * const logits = tf.tensor([[2], [-1]]);
 * diceLoss(tf.tensor([[255], [0]]), logits); // throws: labels hold 255: divide by 255, or map colours to classes
 * checkValues('always'); // check every call, say while you look for a fault
 * diceLoss(tf.tensor([[1], [0]]), tf.mul(logits, NaN)); // throws: predictions must not be NaN
 * checkValues('first');
 * ```
 *
 * @throws if `when` is none of these
 */
export function checkValues(when: ValueChecks): void {
  inFunction('checkValues', () => {
    checkOneOf('when', when, ['always', 'first', 'never']);
    memory = remember(when);
  });
}

/** True unless checks are off: with 'never', values that are read for other reasons are not checked either. */
export function checksAnyValues(): boolean {
  return memory.when !== 'never';
}

/**
 * Passes the values of the tensors to `check` if calls of this kind are to be checked. `check` throws if it refuses
 * them, and returns false if they are no evidence: then the next call of the kind is checked too, up to a number of
 * calls. Nothing is recorded on a gradient's tape, and no tensor is left behind.
 */
export function checkTensorValues<T extends Record<string, Tensor | null>>(
  kind: string,
  tensors: T,
  check: (values: ValuesOf<T>) => false | void,
): void {
  if (typeof SOFTSEG_VALUE_CHECKS !== 'undefined' && SOFTSEG_VALUE_CHECKS === 'never') return;
  const { when, passed, refused } = memory;
  if (when === 'never') return;
  const key = `${currentFunction} ${kind}`;
  const late = refused.get(key);
  if (late) {
    refused.delete(key);
    releaseTape();
    throw late;
  }
  if (update?.later) {
    update.later.push(readLater(tensors, check));
  } else if (update || when === 'always' || !passed.has(key)) {
    if (canReadAtOnce()) {
      if (
        settles(
          key,
          releasingTape(() => check(valuesNow(tensors))),
        )
      )
        passed.add(key);
    } else {
      passed.add(key);
      reportLater(key, readLater(tensors, check));
    }
  }
}

/** True if the check's answer settles the kind, so that its next calls are not checked. */
function settles(key: string, told: false | void): boolean {
  if (told !== false) return true;
  const calls = (memory.idle.get(key) ?? 0) + 1;
  memory.idle.set(key, calls);
  return calls >= MOST_IDLE_CALLS;
}

/** Runs the update of an accumulator, with its values checked. */
export function checkingUpdate<T>(run: () => T): T {
  return inUpdate({ later: null }, run);
}

/** Runs the update of an accumulator without blocking. `checked` resolves once the values are read, or rejects. */
export function checkingUpdateLater<T>(run: () => T): { result: T; checked: Promise<unknown> } {
  const later: Promise<unknown>[] = [];
  try {
    return { result: inUpdate({ later }, run), checked: Promise.all(later) };
  } catch (error) {
    for (const check of later) check.catch(() => {});
    throw error;
  }
}

/** Runs a check. If it throws, the tensors saved so far for a gradient are disposed. */
export function releasingTape<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    releaseTape();
    throw error;
  }
}

/** A check that may be made later, or never. It holds its tensors until it is disposed. */
export interface HeldCheck {
  now(): void;
  later(): Promise<void>;
  dispose(): void;
}

/** Holds clones of the tensors for a check, whose error names the function that is running now. */
export function holdCheck<T extends Record<string, Tensor | null>>(
  tensors: T,
  check: (values: ValuesOf<T>) => unknown,
): HeldCheck {
  const name = currentFunction;
  const held = Object.fromEntries(Object.entries(tensors).map(([key, x]) => [key, x && hold(x)])) as T;
  const run = (values: ValuesOf<T>) => inFunction(name, () => void check(values));
  return {
    now: () => run(valuesNow(held)),
    later: async () => run(await valuesLater(held)),
    dispose: () => Object.values(held).forEach((x) => x?.dispose()),
  };
}

/** True if the function has warned since `checkValues` was called. */
export function hasWarned(name: string): boolean {
  return memory.warned.has(name);
}

/** Warns once for each function, until `checkValues` is called. */
export function warnOnce(message: string): void {
  const name = currentFunction;
  if (memory.warned.has(name)) return;
  memory.warned.add(name);
  console.warn(`${name}: ${message}`);
}

/** The names of the options that are set, as part of the kind of a call. */
export function namesOfOptions(options: object): string {
  const names = Object.keys(options).filter((name) => (options as Record<string, unknown>)[name] !== undefined);
  return names.sort().join();
}

/**
 * Disposes the tensors that operations have saved for a gradient, which tfjs never does if something throws before the
 * gradient is taken. A function that catches the error of a check therefore has no gradient through the operations
 * before it.
 */
function releaseTape(): void {
  for (const { saved } of tf.engine().state.activeTape ?? []) tf.dispose(saved);
}

function inUpdate<T>(how: NonNullable<typeof update>, run: () => T): T {
  const before = update;
  update = how;
  try {
    return run();
  } finally {
    update = before;
  }
}

function reportLater(key: string, check: Promise<false | void>): void {
  const { passed, refused } = memory;
  check.then(
    (told) => {
      if (!settles(key, told)) passed.delete(key);
    },
    (error: Error) => {
      passed.delete(key);
      refused.set(key, error);
      console.error(error);
    },
  );
}

function valuesNow<T extends Record<string, Tensor | null>>(tensors: T): ValuesOf<T> {
  const entries = Object.entries(tensors).map(([name, tensor]) => [name, tensor && tensor.dataSync()]);
  return Object.fromEntries(entries) as ValuesOf<T>;
}

async function valuesLater<T extends Record<string, Tensor | null>>(tensors: T): Promise<ValuesOf<T>> {
  const reads = Object.entries(tensors).map(([name, tensor]) => [name, tensor && tensor.data()] as const);
  const entries = await Promise.all(reads.map(async ([name, read]) => [name, await read]));
  return Object.fromEntries(entries) as ValuesOf<T>;
}

/** Reads the values and passes them to the check, whose error names the function that is running now. */
async function readLater<T extends Record<string, Tensor | null>>(
  tensors: T,
  check: (values: ValuesOf<T>) => false | void,
): Promise<false | void> {
  const name = currentFunction;
  // WebGPU cannot read a tensor that is disposed meanwhile.
  const clones: Tensor[] = [];
  const held = (x: Tensor): Tensor => (canReadAtOnce() ? x : clones[clones.push(hold(x)) - 1]!);
  try {
    const all = Object.entries(tensors).map(([key, x]) => [key, x && held(x)]);
    const values = await valuesLater(Object.fromEntries(all) as T);
    return inFunction(name, () => check(values));
  } finally {
    tf.dispose(clones);
  }
}

/** A clone off the gradient's tape, which shares the values. */
function hold(x: Tensor): Tensor {
  return tf.keep(constant(() => tf.clone(x)));
}
