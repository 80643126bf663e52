/**
 * The base of all accumulators: they see a data set batch by batch and keep a list of sums of plain numbers. What they
 * have seen can be merged, and written down as JSON.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inAsyncFunction, inFunction } from '../argumentError.js';
import { checkCount, checkInteger, checkNumber, checkOptionNames, fail, MOST_COUNTED, show } from '../checks.js';
import { checkingUpdate, checkingUpdateLater } from '../checkValues.js';
import type { PassActivation } from '../kernels/contract.js';
import type { InputOptions, Relaxation } from '../overlap/options.js';
import { outsideRange } from '../overlap/intValues.js';
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
import { ExactSum } from './exactSum.js';
import type { MeasuredRange } from './measuredRange.js';

export interface UpdateOptions {
  /** Weights of the pixels of this batch, `[N, ...spatial]`, as in the losses. */
  mask?: Tensor;
}

/**
 * The sums of a batch, `[N, ...]`, few enough to read back, and C; and the extremes of int32 tensors, which may hold
 * values that the sums do not see, such as indices of no class.
 */
export type Measure = { sums: Tensor; classes: number; ranges: MeasuredRange[] };

/** Options that say how tensors are read, and may differ between accumulators that are merged. */
const READING = ['activation', 'sharpness', 'axis', 'ignoreLabel'];

export abstract class Accumulator<Result = unknown, Options extends Omit<InputOptions, 'mask'> = object> {
  abstract readonly kind: string;
  /** Options that are the same as if they were left out. */
  protected readonly defaults: Readonly<Record<string, unknown>> = {};
  protected readonly options: Options;
  /** The fewest and the most classes there may be. */
  protected readonly classRange: readonly [number, number] = [1, MOST_COUNTED];
  /** C, once something has been seen. */
  protected classes: number | null = null;
  protected sums: ExactSum[] = [];
  private seen = 0;

  constructor(options: Options) {
    this.options = { ...options };
  }

  /** The scores of all that was seen; NaN where nothing was. */
  abstract result(): Result;
  /** What is added up of a batch, inside tf.tidy. It checks everything, and changes nothing. */
  protected abstract measure(labels: Tensor, predictions: Tensor, options: Options & UpdateOptions): Measure;
  /** How many sums are kept for C classes. */
  protected abstract size(classes: number): number;
  /** Adds a measure of this many samples to the sums. */
  protected abstract absorb(values: Float64Array, samples: number): void;
  /** Refuses options that do not go with C classes. */
  protected abstract checkOptions(classes: number, activation: PassActivation): void;
  /** Refuses sums that nothing can have that was seen. */
  protected abstract checkSums(values: readonly number[], classes: number): void;

  /** The number of samples seen. */
  get samples(): number {
    return this.seen;
  }

  /**
   * Takes in a batch. It reads a few sums back from the backend, which a GPU has to be waited for; where that is not
   * possible (WebGPU), use `updateAsync`.
   *
   * It also checks the values of each batch, unless `checkValues('never')` was called.
   *
   * @throws if shapes, dtypes, options or values do not fit, if the classes are not as many as before, if a class index
   * that counts is outside 0..C-1, or if a sum is not finite. The accumulator is then as it was
   */
  update(labels: Tensor, predictions: Tensor, options: UpdateOptions = {}): this {
    return inFunction(`${this.kind}.update`, () => {
      const measure = checkingUpdate(() => this.measured(labels, predictions, options));
      try {
        const extremes = measure.ranges.map((range) => range.extremes.dataSync());
        this.take(measure, measure.sums.dataSync(), extremes);
      } finally {
        disposeMeasure(measure);
      }
      return this;
    });
  }

  /** `update` that waits for the backend without blocking. */
  updateAsync(labels: Tensor, predictions: Tensor, options: UpdateOptions = {}): Promise<this> {
    return inAsyncFunction(`${this.kind}.updateAsync`, async () => {
      const { result: measure, checked } = checkingUpdateLater(() => this.measured(labels, predictions, options));
      try {
        const tensors = [measure.sums, ...measure.ranges.map((range) => range.extremes)];
        const [[values, ...extremes]] = await Promise.all([Promise.all(tensors.map((x) => x.data())), checked]);
        this.take(measure, values!, extremes);
      } finally {
        disposeMeasure(measure);
      }
      return this;
    });
  }

  /**
   * Adds what another has seen: the result is that of one that saw all. The other stays as it is.
   *
   * @throws if the other is of another kind, or has other options, or saw another number of classes
   */
  merge(other: this): this {
    return inFunction(`${this.kind}.merge`, () => {
      if (!(other instanceof Accumulator) || other.kind !== this.kind) {
        fail(`takes another ${this.kind}, got ${other instanceof Accumulator ? other.kind : show(other)}`);
      }
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

  /** Forgets what was seen. */
  reset(): this {
    this.classes = null;
    this.sums = [];
    this.seen = 0;
    return this;
  }

  /**
   * All that was seen, and the options, as plain data for `JSON.stringify`. A function as activation is not kept. The field
   * `check` is a hash of the rest, by which `fromJSON` finds damage.
   *
   * @throws if an option is a value that JSON does not keep; no batch was seen with such options
   */
  toJSON(): AccumulatorJson {
    const { kind, classes, seen: samples } = this;
    const { activation } = this.options as InputOptions;
    const kept = typeof activation === 'function' ? { ...this.options, activation: FUNCTION } : this.options;
    const options = inFunction(`${kind}.toJSON`, () => plainOptions(kept));
    const sums = this.sums.map((sum) => sum.toJSON());
    return writtenJson({ kind, options, classes, samples, sums });
  }

  /**
   * The accumulator that `toJSON` wrote down. If its activation was a function, that has to be given again before it can
   * take in more: `MeanIou.fromJSON(json, { activation })`.
   *
   * The JSON may come from a disk or from somebody else: it is read once, and everything in it is checked. Sums that no
   * labels and probabilities in [0, 1] can have are refused unless values are not checked (`checkValues('never')`).
   *
   * @throws if another kind or version wrote it, or if it is damaged; the error names the field, the rule and the value
   */
  static fromJSON<A extends Accumulator>(
    this: new (options: never) => A,
    json: AccumulatorJson,
    own: { activation?: Relaxation } = {},
  ): A {
    // (TypeScript refuses this; JavaScript gives no `this` to a method that is passed on.)
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

  /** Checks options that a batch was seen with, as far as `update` does without tensors. */
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

  /** The options that what was added up depends on; of the activation, whether it makes classes exclude each other. */
  private scoring(): Record<string, unknown> {
    const { activation } = this.options as { activation?: unknown };
    const entries = Object.entries(this.options).filter(
      ([name, value]) => !READING.includes(name) && value !== undefined && value !== this.defaults[name],
    );
    return { ...Object.fromEntries(entries), activation: activation === 'sigmoid' ? 'sigmoid' : 'not sigmoid' };
  }

  private measured(labels: Tensor, predictions: Tensor, options: UpdateOptions): Measure {
    checkOptionNames(options, ['mask']);
    return tf.tidy(() => this.measure(labels, predictions, { ...this.options, ...options }));
  }

  private take(
    { sums, classes, ranges }: Measure,
    values: ArrayLike<number>,
    extremes: readonly ArrayLike<number>[],
  ): void {
    const samples = sums.shape[0]!;
    ranges.forEach((range, i) => {
      for (const value of Array.from(extremes[i]!)) {
        const message = outsideRange(range, value);
        if (message) fail(message);
      }
    });
    const numbers = Float64Array.from(values);
    const broken = numbers.find((value) => !Number.isFinite(value));
    if (broken !== undefined) fail(`labels, predictions or mask hold NaN or Infinity: a sum is ${broken}`);
    this.checkClasses(classes);
    const seen = this.seenWith(samples);
    this.grow(classes);
    this.absorb(numbers, samples);
    this.seen = seen;
  }

  private seenWith(samples: number): number {
    const seen = this.seen + samples;
    if (!Number.isSafeInteger(seen)) fail(`has seen ${this.seen} samples, too many to count ${samples} more`);
    return seen;
  }

  /** Refuses a number of classes that is not the one seen before, or is more than can be. */
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

function disposeMeasure({ sums, ranges }: Measure): void {
  tf.dispose([sums, ...ranges.map(({ extremes }) => extremes)]);
}

/** The accumulator with options that JSON holds. */
function constructed<A>(Class: new (options: never) => A, options: object): A {
  try {
    return new Class(options as never);
  } catch (error) {
    fail(`the options do not fit: ${(error as Error).message}`);
  }
}

/** The number of samples: none where no classes are known, for a batch is never empty. */
function checkedSamples(samples: unknown, classes: number | null): number {
  if (classes !== null) checkInteger('samples', samples, 1);
  else if (samples !== 0) fail(`samples must be 0 where classes is null, got ${show(samples)}`);
  return samples as number;
}

function forgotten(): never {
  throw new Error('the activation was a function, which JSON does not keep: give it to fromJSON again');
}
