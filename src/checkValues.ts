/**
 * When tensor values are checked, and how they are read for it. The checks themselves are in src/overlap/valueChecks.ts
 * and in the functions that have rules of their own.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { currentFunction, inFunction } from './argumentError.js';
import { checkOneOf } from './checks.js';
import { constant } from './ops/constant.js';
import { canReadAtOnce } from './ops/canReadAtOnce.js';

/** See `checkValues`. */
export type ValueChecks = 'always' | 'first' | 'never';

/** Values as a backend gives them. */
export type Values = Float32Array | Int32Array | Uint8Array;

type ValuesOf<T> = { [K in keyof T]: T[K] extends Tensor ? Values : Values | null };

interface Memory {
  when: ValueChecks;
  /** The kinds of calls whose values were right, or are being read. */
  passed: Set<string>;
  /** How many calls of a kind told nothing, as those of a black image do. */
  idle: Map<string, number>;
  /** Errors of kinds that were read too late to be thrown by the call that they belong to. */
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

/** After so many calls whose values told nothing, their kind passes, so that a training does not pay in every step. */
const MOST_IDLE_CALLS = 20;

let memory = remember('first');

/** The bundler's word for `checkValues('never')`. */
declare const SOFTSEG_VALUE_CHECKS: string | undefined;

/** Set while an accumulator takes in a batch: its values are checked each time. `later` collects checks to wait for. */
let update: { later: Promise<unknown>[] | null } | null = null;

/**
 * Chooses when tensor values are checked, in the losses, `overlap`, the scores, `powerSharpen`, the soft labels and the
 * distances: on the `'first'` call of each kind (the default), `'always'`, or `'never'`.
 *
 * Calls are of one kind if they have the same function, rank, number of classes, kind and dtype of labels, activation
 * and names of options; batch size, spatial sizes and the values of options may change. So a training reads one batch
 * back, and no other. A call that is refused is checked again next time. Accumulators, which read sums back anyway,
 * check each update unless checks are off. Any call of `checkValues` forgets which kinds were seen, say before training
 * on other data.
 *
 * Refused are NaN in labels, predictions and mask; labels and probabilities outside [0, 1]; labels that do not sum to 1
 * under softmax; class indices that are not in 0..C-1; Infinity for which softmax is NaN; negative weights; votes that
 * are negative or more than there are annotators. Pixels that do not count are not checked. Predictions that look like
 * probabilities but are taken for logits get one warning per function.
 *
 * A bundler that puts `"never"` in place of `SOFTSEG_VALUE_CHECKS` leaves the checks out of a page for good.
 *
 * WebGPU cannot read tensors back at once. There the values are read while the program goes on; a fault is reported
 * with console.error, and the next call of that kind throws it.
 *
 * @example
 * ```ts
 * const logits = tf.tensor([[2], [-1]]);
 * diceLoss(tf.tensor([[255], [0]]), logits); // throws: labels hold 255: divide by 255, or map colours to classes
 * checkValues('always'); // in every call, while you look for a fault
 * diceLoss(tf.tensor([[1], [0]]), tf.mul(logits, NaN)); // throws: predictions must not be NaN
 * checkValues('first');
 * ```
 *
 * @throws if `when` is none of them
 */
export function checkValues(when: ValueChecks): void {
  inFunction('checkValues', () => {
    checkOneOf('when', when, ['always', 'first', 'never']);
    memory = remember(when);
  });
}

/** Whether values are checked at all: also those that are read anyway. */
export function checksAnyValues(): boolean {
  return memory.when !== 'never';
}

/**
 * Hands the values of the tensors to `check`, which throws, if calls of this kind are to be checked. Where it gives
 * false, the values told nothing, and the next call of the kind is looked at too, up to a number of them. Nothing of it
 * is on a gradient's tape, and no tensor stays.
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

/** Whether no further call of the kind is to be looked at, after one that gave this. */
function settles(key: string, told: false | void): boolean {
  if (told !== false) return true;
  const calls = (memory.idle.get(key) ?? 0) + 1;
  memory.idle.set(key, calls);
  return calls >= MOST_IDLE_CALLS;
}

/** Runs the update of an accumulator. */
export function checkingUpdate<T>(run: () => T): T {
  return inUpdate({ later: null }, run);
}

/** Runs the update of an accumulator that does not block; `checked` is done once the values were read, or fails. */
export function checkingUpdateLater<T>(run: () => T): { result: T; checked: Promise<unknown> } {
  const later: Promise<unknown>[] = [];
  try {
    return { result: inUpdate({ later }, run), checked: Promise.all(later) };
  } catch (error) {
    for (const check of later) check.catch(() => {});
    throw error;
  }
}

/** Runs a check. If it throws, nothing of a gradient that is being taken stays in memory. */
export function releasingTape<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    releaseTape();
    throw error;
  }
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
 * tfjs never disposes what operations have saved for a gradient if something throws before the gradient is taken. (A
 * function that catches the error of a check has no gradient through what came before it.)
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

/** Reads the values and hands them to the check, whose error names the function that asked for it. */
async function readLater<T extends Record<string, Tensor | null>>(
  tensors: T,
  check: (values: ValuesOf<T>) => false | void,
): Promise<false | void> {
  const name = currentFunction;
  // WebGPU cannot read a tensor that is disposed meanwhile.
  const clones: Tensor[] = [];
  const held = (x: Tensor): Tensor => (canReadAtOnce() ? x : clones[clones.push(hold(x)) - 1]!);
  try {
    const reads = Object.entries(tensors).map(([name, x]) => [name, x && held(x).data()] as const);
    const values = await Promise.all(reads.map(async ([name, read]) => [name, await read]));
    return inFunction(name, () => check(Object.fromEntries(values) as ValuesOf<T>));
  } finally {
    tf.dispose(clones);
  }
}

/** A clone, which shares the values, off the tape. */
function hold(x: Tensor): Tensor {
  return tf.keep(constant(() => tf.clone(x)));
}
