/**
 * The base class of all accumulators. An accumulator sees a data set batch by batch. It keeps only a list of sums, in
 * plain numbers, and computes from them the score of everything it has seen. Two accumulators can be merged, and an
 * accumulator can be saved as JSON.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { inAsyncFunction, inFunction } from '../argumentError.js';
import { checkCount, checkInteger, checkNumber, checkOptionNames, fail, MOST_COUNTED, show } from '../checks.js';
import { checkingUpdate, checkingUpdateLater } from '../checkValues.js';
import type { PassActivation } from '../kernels/contract.js';
import type { Layout } from '../kernels/layout.js';
import { canReadAtOnce } from '../ops/canReadAtOnce.js';
import type { InputOptions, Relaxation } from '../overlap/options.js';
import { outsideRange, type IntRange } from '../overlap/intValues.js';
import { resolveActivation, resolveSharpness } from '../overlap/inputs.js';
import {
  checkWritten,
  FUNCTION,
  plainOptions,
  readFields,
  readSums,
  writtenJson,
  type AccumulatorJson,
} from './accumulatorJson.js';
import { sumsOfSamples } from './blocks.js';
import { ExactSum } from './exactSum.js';
import type { MeasuredRange } from './measuredRange.js';
import { screening, type Screen } from './screen.js';
import { UpdateQueue } from './updateQueue.js';

export interface UpdateOptions {
  /** Weights of the pixels of this batch, `[N, ...spatial]`, as in the losses. */
  mask?: Tensor;
}

/**
 * The sums of a batch, which are few, and the extremes of int32 tensors, which may hold values that do not show in the
 * sums, such as indices outside 0..C-1. The sums are [N·B, ...], where B is the number of blocks of a sample.
 */
export type Measure = { sums: Tensor; layout: Pick<Layout, 'samples' | 'classes'>; ranges: MeasuredRange[] };

/** A measure whose tensors are joined into a small one, so that it is read back at once. */
interface Batch {
  /** The sums, then the extremes of the ranges, then those of the screens. */
  values: Tensor1D;
  /** The number of sums: samples·blocks·perBlock. */
  count: number;
  perBlock: number;
  samples: number;
  classes: number;
  ranges: IntRange[];
  /** The value checks that were not made, because the tensors are on a GPU. */
  screens: Screen[];
}

/** Options that say how tensors are read. Accumulators that are merged may differ in them. */
const READING = ['activation', 'sharpness', 'axis', 'ignoreLabel'];

export abstract class Accumulator<Result = unknown, Options extends Omit<InputOptions, 'mask'> = object> {
  abstract readonly kind: string;
  /** The default values of options: setting an option to its default is the same as leaving it out. */
  protected readonly defaults: Readonly<Record<string, unknown>> = {};
  protected readonly options: Options;
  /** The smallest and the largest number of classes allowed. */
  protected readonly classRange: readonly [number, number] = [1, MOST_COUNTED];
  /** C; null until a batch has been seen. */
  protected classes: number | null = null;
  protected sums: ExactSum[] = [];
  private seen = 0;
  private queue = new UpdateQueue();

  constructor(options: Options) {
    this.options = { ...options };
  }

  /** The score, or scores, of everything seen so far; NaN where there was nothing to score. */
  abstract result(): Result;
  /** Computes the sums of a batch, inside tf.tidy. Checks all arguments, and does not change the accumulator. */
  protected abstract measure(labels: Tensor, predictions: Tensor, options: Options & UpdateOptions): Measure;
  /** The number of sums kept for C classes. */
  protected abstract size(classes: number): number;
  /** Adds the values of a measure, of this many samples, to the sums. */
  protected abstract absorb(values: Float64Array, samples: number): void;
  /** Throws if an option does not fit C classes. */
  protected abstract checkOptions(classes: number, activation: PassActivation): void;
  /** Throws if no data can produce these sums. */
  protected abstract checkSums(values: readonly number[], classes: number): void;

  /** The number of samples seen. */
  get samples(): number {
    return this.settled('samples', () => this.seen);
  }

  /**
   * Takes in a batch, and returns once it is taken in. The backend computes a few sums, which are read back; on webgl
   * the page stands still until they are computed. WebGPU cannot be read at once, so `update` is an error there; use
   * `updateAsync`, which runs everywhere.
   *
   * It also checks the values of each batch, unless `checkValues('never')` was called.
   *
   * @throws if shapes, dtypes, options or values do not fit, if the number of classes differs from that of earlier
   * batches, if the class index of a pixel that counts is outside 0..C-1, if a sum is not finite, if an `updateAsync`
   * was not awaited, or if the backend is webgpu. The accumulator is then unchanged
   */
  update(labels: Tensor, predictions: Tensor, options: UpdateOptions = {}): this {
    return this.settled('update', () => {
      if (!canReadAtOnce()) fail(`cannot read ${tf.getBackend()} at once: await updateAsync, which runs everywhere`);
      const batch = checkingUpdate(() => this.measured(labels, predictions, options));
      try {
        const values = batch.values.dataSync();
        if (isSuspicious(batch, values)) batch.screens.forEach(({ whole }) => whole.now());
        this.take(batch, values);
      } finally {
        disposeBatch(batch);
      }
      return this;
    });
  }

  /**
   * The same as `update`, but the program goes on while the backend computes. Batches are taken in in the order of the
   * calls. Until the promise resolves, everything that reads the accumulator throws, because the result would lack the
   * batch. `labels`, `predictions` and `mask` may be disposed as soon as the call has returned.
   *
   * @returns a promise of the accumulator, rejected for the reasons for which `update` throws
   */
  updateAsync(labels: Tensor, predictions: Tensor, options: UpdateOptions = {}): Promise<this> {
    return inAsyncFunction(`${this.kind}.updateAsync`, async () => {
      const { queue } = this;
      const { result: batch, checked } = checkingUpdateLater(() => this.measured(labels, predictions, options));
      try {
        const read = async () => {
          const [values] = await Promise.all([batch.values.data(), checked]);
          if (isSuspicious(batch, values)) for (const { whole } of batch.screens) await whole.later();
          return values;
        };
        await queue.add(read(), (values) => {
          // After a reset the accumulator has another queue.
          if (queue === this.queue) this.take(batch, values);
        });
      } finally {
        disposeBatch(batch);
      }
      return this;
    });
  }

  /**
   * Adds what another accumulator has seen. The result is then that of a single accumulator that saw everything. The
   * other accumulator is not changed.
   *
   * @throws if the two differ in kind, in options that affect the result, or in the number of classes, or if an
   * `updateAsync` of either was not awaited
   */
  merge(other: this): this {
    return this.settled('merge', () => {
      if (!(other instanceof Accumulator) || other.kind !== this.kind) {
        fail(`takes another ${this.kind}, got ${other instanceof Accumulator ? other.kind : show(other)}`);
      }
      other.queue.checkSettled();
      const [own, others] = [this.scoring(), other.scoring()];
      for (const name of new Set([...Object.keys(own), ...Object.keys(others)])) {
        const [a, b] = [JSON.stringify(own[name]), JSON.stringify(others[name])];
        if (a !== b) fail(`the option ${name} differs: ${a ?? 'its default'} here, ${b ?? 'its default'} there`);
      }
      if (other.classes === null) return this;
      this.checkClasses(other.classes);
      const seen = this.seenWith(other.seen);
      this.grow(other.classes);
      other.sums.forEach((sum, i) => this.sums[i]!.merge(sum));
      this.seen = seen;
      return this;
    });
  }

  /** Forgets everything seen so far, and updates that are still being read. */
  reset(): this {
    this.queue = new UpdateQueue();
    this.classes = null;
    this.sums = [];
    this.seen = 0;
    return this;
  }

  /**
   * Everything seen so far, and the options, as plain data for `JSON.stringify`. If the activation is a function, it is
   * not kept. The field `check` is a hash of all other fields, by which `fromJSON` detects damage.
   *
   * @throws if an option has a value that JSON cannot keep (`update` refuses such options, too), or if an `updateAsync`
   * was not awaited
   */
  toJSON(): AccumulatorJson {
    return this.settled('toJSON', () => {
      const { kind, classes, seen: samples } = this;
      const { activation } = this.options as InputOptions;
      const kept = typeof activation === 'function' ? { ...this.options, activation: FUNCTION } : this.options;
      const sums = this.sums.map((sum) => sum.toJSON());
      return writtenJson({ kind, options: plainOptions(kept), classes, samples, sums });
    });
  }

  /**
   * Restores an accumulator from the result of `toJSON`. If its activation was a function, that function has to be
   * given again before the accumulator can take in more batches: `MeanIou.fromJSON(json, { activation })`.
   *
   * The JSON may be damaged, or come from an untrusted source: it is read once, and everything in it is checked. Sums
   * that no labels and probabilities in [0, 1] can produce are refused, unless value checks are off
   * (`checkValues('never')`).
   *
   * @throws if the JSON is that of another kind of accumulator or another version, or if it is damaged; the error names
   * the field, the rule and the value
   */
  static fromJSON<A extends Accumulator>(
    this: new (options: never) => A,
    json: AccumulatorJson,
    own: { activation?: Relaxation } = {},
  ): A {
    // TypeScript refuses such a call; in JavaScript, a method that is passed as a callback has no `this`.
    if (typeof this !== 'function') {
      inFunction('fromJSON', () =>
        fail('is called as MeanIou.fromJSON(json); as a function, pass (json) => MeanIou.fromJSON(json)'),
      );
    }
    const { kind } = new this({} as never);
    return inFunction(`${kind}.fromJSON`, () => {
      checkOptionNames(own, ['activation']);
      const { activation } = own;
      if (activation !== undefined && typeof activation !== 'function') {
        fail(`activation must be a function, got ${show(activation)}`);
      }
      const fields = readFields(kind, json);
      const options = plainOptions(fields['options']);
      const lost = options['activation'] === FUNCTION;
      if (activation && !lost) fail('activation may be given only where it was a function');
      const made = constructed(this, lost ? { ...options, activation: activation ?? forgotten } : options);
      made.restore(fields, options);
      return made;
    });
  }

  private restore(fields: Record<string, unknown>, options: AccumulatorJson['options']): void {
    const classes = this.checkedClasses(fields['classes']);
    const samples = checkedSamples(fields['samples'], classes);
    if (classes !== null) this.checkSeenOptions(classes);
    const { sums, written } = readSums(fields['sums'], classes === null ? 0 : this.size(classes), samples);
    checkWritten({ kind: this.kind, options, classes, samples, sums: written }, fields['check']);
    this.classes = classes;
    this.seen = samples;
    this.sums = sums;
    const values = sums.map((sum) => sum.value());
    if (classes !== null) this.checkSums(values, classes);
  }

  private checkedClasses(classes: unknown): number | null {
    if (classes !== null) checkCount('classes', classes, ...this.classRange);
    return classes as number | null;
  }

  /** Checks the options as `update` would, as far as that needs no tensors. */
  private checkSeenOptions(classes: number): void {
    const { axis, ignoreLabel, ...own } = this.options as InputOptions;
    const activation = resolveActivation(own.activation, classes);
    resolveSharpness(own.sharpness, activation);
    if (axis !== undefined && (!Number.isSafeInteger(axis) || axis === 0)) {
      fail(`axis must be an integer other than 0, got ${show(axis)}`);
    }
    if (ignoreLabel !== undefined) checkNumber('ignoreLabel', ignoreLabel);
    this.checkOptions(classes, typeof activation === 'function' ? 'none' : activation);
  }

  /** The options that the sums depend on. Of the activation, it only matters whether classes exclude each other. */
  private scoring(): Record<string, unknown> {
    const { activation } = this.options as { activation?: unknown };
    const entries = Object.entries(this.options).filter(
      ([name, value]) => !READING.includes(name) && value !== undefined && value !== this.defaults[name],
    );
    return { ...Object.fromEntries(entries), activation: activation === 'sigmoid' ? 'sigmoid' : 'not sigmoid' };
  }

  /** Runs a method that reads the accumulator. Throws if an update is still being read, which the method would miss. */
  protected settled<T>(name: string, run: () => T): T {
    return inFunction(`${this.kind}.${name}`, () => {
      this.queue.checkSettled();
      return run();
    });
  }

  private measured(labels: Tensor, predictions: Tensor, options: UpdateOptions): Batch {
    checkOptionNames(options, ['mask']);
    const screens: Screen[] = [];
    const measure = () => this.measure(labels, predictions, { ...this.options, ...options });
    try {
      const read = tf.tidy(() => {
        const { sums, layout, ranges } = screening(screens, measure);
        const { samples, classes } = layout;
        const extremes = [...ranges, ...screens].map(({ extremes }) => extremes);
        const limits = ranges.map(({ least, most, what, cure }) => ({ least, most, what, cure }));
        const values = tf.concat1d([tf.reshape(sums, [-1]), ...extremes]);
        return { values, count: sums.size, perBlock: sums.size / sums.shape[0]!, samples, classes, ranges: limits };
      });
      return { ...read, screens };
    } catch (error) {
      screens.forEach(({ whole }) => whole.dispose());
      throw error;
    }
  }

  private take(batch: Batch, values: ArrayLike<number>): void {
    const refusal = refusalOf(batch, values);
    if (refusal) fail(refusal);
    const { count, perBlock, samples, classes } = batch;
    const sums = sumsOfSamples(Float64Array.from(values).subarray(0, count), samples, perBlock);
    this.checkClasses(classes);
    const seen = this.seenWith(samples);
    this.grow(classes);
    this.absorb(sums, samples);
    this.seen = seen;
  }

  private seenWith(samples: number): number {
    const seen = this.seen + samples;
    if (!Number.isSafeInteger(seen)) fail(`has seen ${this.seen} samples, too many to count ${samples} more`);
    return seen;
  }

  /** Throws if the number of classes is not allowed, or differs from that of earlier batches. */
  protected checkClasses(classes: number): void {
    checkCount('the number of classes', classes, ...this.classRange);
    if (this.classes !== null && this.classes !== classes) {
      fail(`has seen ${this.classes} classes, got ${classes}`);
    }
  }

  private grow(classes: number): void {
    if (this.classes === null) this.sums = Array.from({ length: this.size(classes) }, () => ExactSum.zero());
    this.classes = classes;
  }
}

function disposeBatch({ values, screens }: Batch): void {
  values.dispose();
  for (const { whole } of screens) whole.dispose();
}

/** The error message for sums that are not finite, and for extremes outside their ranges; null for other values. */
function refusalOf({ count, ranges }: Batch, values: ArrayLike<number>): string | null {
  const numbers = Array.from(values);
  const messages = ranges.flatMap((range, i) =>
    numbers.slice(count + 2 * i, count + 2 * i + 2).map((value) => outsideRange(range, value)),
  );
  const broken = numbers.slice(0, count).find((value) => !Number.isFinite(value));
  if (broken !== undefined) messages.push(`labels, predictions or mask hold NaN or Infinity: a sum is ${broken}`);
  return messages.find((message) => message !== null) ?? null;
}

/** True if the checks that were not made may refuse a value, or warn. */
function isSuspicious(batch: Batch, values: ArrayLike<number>): boolean {
  const { count, ranges, screens } = batch;
  if (screens.length === 0) return false;
  if (refusalOf(batch, values)) return true;
  let start = count + 2 * ranges.length;
  return screens.some(({ size, isSuspicious }) => isSuspicious(Array.from(values).slice(start, (start += size))));
}

/** Constructs an accumulator with the options found in the JSON. */
function constructed<A>(Class: new (options: never) => A, options: object): A {
  try {
    return new Class(options as never);
  } catch (error) {
    fail(`the options do not fit: ${(error as Error).message}`);
  }
}

/** The number of samples: 0 if and only if the number of classes is unknown, because a batch is never empty. */
function checkedSamples(samples: unknown, classes: number | null): number {
  if (classes !== null) checkInteger('samples', samples, 1);
  else if (samples !== 0) fail(`samples must be 0 where classes is null, got ${show(samples)}`);
  return samples as number;
}

function forgotten(): never {
  throw new Error('the activation was a function, which JSON does not keep: give it to fromJSON again');
}
