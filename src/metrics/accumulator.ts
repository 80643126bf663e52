/**
 * What all accumulators share: they see a data set batch by batch and keep a list of sums of plain numbers. What they
 * have seen can be merged, and written down as JSON.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkOptionNames, entriesOf, fail, show } from '../checks.js';
import { checkingUpdate, checkingUpdateLater } from '../checkValues.js';
import type { ProblemOptions, Relaxation } from '../overlap/options.js';
import { outsideRange } from '../overlap/intValues.js';
import { ExactSum } from './exactSum.js';
import type { MeasuredRange } from './measuredRange.js';

export interface UpdateOptions {
  /** Weights of the pixels of this batch, `[N, ...spatial]`, as in the losses. */
  mask?: Tensor;
}

/** What an accumulator has seen, as `toJSON` gives it and `fromJSON` takes it. */
export interface AccumulatorJson {
  kind: string;
  version: 1;
  options: Record<string, unknown>;
  /** null before the first update. */
  classes: number | null;
  samples: number;
  /** Each sum as one or more numbers that add up to it exactly. */
  sums: number[][];
}

/**
 * The sums of a batch, `[N, ...]`, few enough to read back, and C; and the extremes of int32 tensors, which may hold
 * values that the sums do not see, such as indices of no class.
 */
export type Measure = { sums: Tensor; classes: number; ranges: MeasuredRange[] };

/** Options that say how tensors are read, and may differ between accumulators that are merged. */
const READING = ['activation', 'sharpness', 'axis', 'ignoreLabel'];

const FUNCTION = 'function';

export abstract class Accumulator<Result = unknown, Options extends Omit<ProblemOptions, 'mask'> = object> {
  abstract readonly kind: string;
  protected readonly options: Options;
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
  protected abstract measure(
    fn: string,
    labels: Tensor,
    predictions: Tensor,
    options: Options & UpdateOptions,
  ): Measure;
  /** How many sums are kept for C classes. */
  protected abstract size(classes: number): number;
  /** Adds a measure of this many samples to the sums. */
  protected abstract absorb(values: Float64Array, samples: number): void;

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
    const fn = `${this.kind}.update`;
    const measure = checkingUpdate(() => this.measured(fn, labels, predictions, options));
    try {
      const extremes = measure.ranges.map((range) => range.extremes.dataSync());
      this.take(fn, measure, measure.sums.dataSync(), extremes);
    } finally {
      disposeMeasure(measure);
    }
    return this;
  }

  /** `update` that waits for the backend without blocking. */
  async updateAsync(labels: Tensor, predictions: Tensor, options: UpdateOptions = {}): Promise<this> {
    const fn = `${this.kind}.updateAsync`;
    const { result: measure, checked } = checkingUpdateLater(() => this.measured(fn, labels, predictions, options));
    try {
      const tensors = [measure.sums, ...measure.ranges.map((range) => range.extremes)];
      const [[values, ...extremes]] = await Promise.all([Promise.all(tensors.map((x) => x.data())), checked]);
      this.take(fn, measure, values!, extremes);
    } finally {
      disposeMeasure(measure);
    }
    return this;
  }

  /**
   * Adds what another has seen: the result is that of one that saw all. The other stays as it is.
   *
   * @throws if the other is of another kind, or has other options, or saw another number of classes
   */
  merge(other: this): this {
    const fn = `${this.kind}.merge`;
    if (!(other instanceof Accumulator) || other.kind !== this.kind) {
      fail(fn, `takes another ${this.kind}, got ${other instanceof Accumulator ? other.kind : show(other)}`);
    }
    const [own, others] = [this.scoring(), other.scoring()];
    for (const name of new Set([...Object.keys(own), ...Object.keys(others)])) {
      const [a, b] = [JSON.stringify(own[name]), JSON.stringify(others[name])];
      if (a !== b) fail(fn, `the option ${name} differs: ${a} here, ${b} there`);
    }
    if (other.classes === null) return this;
    this.checkClasses(fn, other.classes);
    this.grow(other.classes);
    other.sums.forEach((sum, i) => this.sums[i]!.merge(sum));
    this.seen += other.seen;
    return this;
  }

  /** Forgets what was seen. */
  reset(): this {
    this.classes = null;
    this.sums = [];
    this.seen = 0;
    return this;
  }

  /** What was seen, and the options, as plain data for `JSON.stringify`. A function as activation is not kept. */
  toJSON(): AccumulatorJson {
    const options = Object.fromEntries(
      Object.entries(this.options).map(([name, value]) => [name, typeof value === 'function' ? FUNCTION : value]),
    );
    const { kind, classes, seen: samples } = this;
    return { kind, version: 1, options, classes, samples, sums: this.sums.map((sum) => sum.toJSON()) };
  }

  /**
   * The accumulator that `toJSON` wrote down. If its activation was a function, that has to be given again before it can
   * take in more: `MeanIou.fromJSON(json, { activation })`.
   *
   * @throws if it was written by another kind, or is broken
   */
  static fromJSON<A extends Accumulator>(
    this: new (options: never) => A,
    json: AccumulatorJson,
    own: { activation?: Relaxation } = {},
  ): A {
    const { activation } = own ?? {};
    const { options = {}, kind, version, ...state } = (json ?? {}) as Partial<AccumulatorJson>;
    const lost = options['activation'] === FUNCTION;
    const given = lost ? { ...options, activation: activation ?? forgotten } : options;
    const made = new this(given as never);
    const fn = `${made.kind}.fromJSON`;
    checkOptionNames(fn, own, ['activation']);
    if (kind !== made.kind || version !== 1) {
      fail(
        fn,
        `takes what toJSON of a ${made.kind} gave (version 1), got kind ${show(kind)}, version ${show(version)}`,
      );
    }
    if (activation && !lost) fail(fn, 'activation may be given only where it was a function');
    made.restore(fn, state);
    return made;
  }

  private restore(fn: string, { classes, samples, sums }: Partial<AccumulatorJson>): void {
    const parts = entriesOf(sums)?.map((given) => entriesOf(given));
    const numbers = parts?.every((own) => own?.every(Number.isFinite));
    const empty = classes === null && samples === 0 && parts?.length === 0;
    const seen = Number.isInteger(classes) && Number.isInteger(samples);
    if (!numbers || !(empty || (seen && parts!.length === this.size(classes!)))) fail(fn, 'the sums are broken');
    this.classes = classes!;
    this.seen = samples!;
    this.sums = parts!.map((own) => ExactSum.of(own as number[]));
  }

  /** The options that what was added up depends on; of the activation, whether it makes classes exclude each other. */
  private scoring(): Record<string, unknown> {
    const { activation } = this.options as { activation?: unknown };
    const entries = Object.entries(this.options).filter(
      ([name, value]) => !READING.includes(name) && value !== undefined,
    );
    return { ...Object.fromEntries(entries), activation: activation === 'sigmoid' ? 'sigmoid' : 'not sigmoid' };
  }

  private measured(fn: string, labels: Tensor, predictions: Tensor, options: UpdateOptions): Measure {
    checkOptionNames(fn, options, ['mask']);
    return tf.tidy(() => this.measure(fn, labels, predictions, { ...this.options, ...options }));
  }

  private take(
    fn: string,
    { sums, classes, ranges }: Measure,
    values: ArrayLike<number>,
    extremes: readonly ArrayLike<number>[],
  ): void {
    const samples = sums.shape[0]!;
    ranges.forEach((range, i) => {
      for (const value of Array.from(extremes[i]!)) {
        const message = outsideRange(range, value);
        if (message) fail(fn, message);
      }
    });
    const numbers = Float64Array.from(values);
    const broken = numbers.find((value) => !Number.isFinite(value));
    if (broken !== undefined) fail(fn, `labels, predictions or mask hold NaN or Infinity: a sum is ${broken}`);
    this.checkClasses(fn, classes);
    this.grow(classes);
    this.absorb(numbers, samples);
    this.seen += samples;
  }

  private checkClasses(fn: string, classes: number): void {
    if (this.classes !== null && this.classes !== classes) {
      fail(fn, `has seen ${this.classes} classes, got ${classes}`);
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

function forgotten(): never {
  throw new Error('the activation was a function, which JSON does not keep: give it to fromJSON again');
}
