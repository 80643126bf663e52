/** Checks the properties that must hold for every call. */
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../support/allEntries.js';
import { sizeOf, type NdArray } from '../reference/index.js';
import { materialize, tensorsIn, isPlainObject, isTensorSpec, type Call, type Spec, type TensorSpec } from './call.js';
import { isOwnError } from './hostileValues.js';
import { oracleGradients } from './oracleGradients.js';
import { rangeOf } from './ranges.js';
import type { Subject } from './subject.js';

/** Counts of a run for the report. */
export const counters = { calls: 0, oracle: 0, gradients: 0, errors: 0, values: 0 };

/** A property that did not hold. Failures with the same `kind` and message, except for numbers, come from one fault. */
export class Failure extends Error {
  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(`${kind}: ${message}`);
  }
}

type Outcome = { values: NdArray[] } | { error: Error };

const EXPORTS = new Set(Object.keys(softseg));

/** The kernels that a call runs on: those of the project, then composed ones to compare with. */
function kernelChoices(): softseg.KernelChoice[] {
  return softseg.kernelsInUse() === 'composed' ? ['composed'] : ['auto', 'composed'];
}

/** Throws a Failure if a property does not hold. */
export async function check(subject: Subject, call: Call, choices = kernelChoices()): Promise<void> {
  setValueChecks(call.checked ?? false);
  const { warn } = console;
  // Logits between 0 and 1 cause a warning.
  console.warn = () => undefined;
  const args = materialize(call.args) as unknown[];
  try {
    await checkWith(subject, call, args, choices);
  } finally {
    setValueChecks(false);
    console.warn = warn;
    softseg.useKernels(choices[0]!);
    for (const tensor of tensorsIn(args)) if (!tensor.isDisposed) tensor.dispose();
  }
}

async function checkWith(subject: Subject, call: Call, args: unknown[], choices: softseg.KernelChoice[]) {
  const run = (own: unknown[]) => outcomeOf(subject, own, call);
  const outcomes: Outcome[] = [];
  for (const choice of choices) {
    softseg.useKernels(choice);
    outcomes.push(await withoutLeak(() => run(args), `on ${softseg.kernelsInUse()} kernels`));
  }
  const [first, ...others] = outcomes as [Outcome, ...Outcome[]];
  const arbitrary = call.wild
    ? subject.random || !isFinite(call.args) || isKnownArbitrary(subject, call.args)
    : subject.random || subject.arbitrary?.(call.args) || subject.nonFinite?.(call.args);
  if (!arbitrary) for (const other of others) checkSame(first, other, subject, call);
  if ('error' in first) return;
  checkValues(subject, call, first.values);
  if (call.wild) return;

  if (arbitrary) return;
  const expected = subject.oracle?.(call.args);
  if (expected) {
    counters.oracle++;
    outcomes.forEach((outcome, i) => {
      if ('values' in outcome)
        compare(
          'value',
          outcome.values,
          expected,
          scaleOf(subject),
          `${choices[i]} against the oracle`,
          toleranceOf(subject, call, 'tolerance'),
        );
    });
  }
  if (subject.differentiable) await checkGradients(subject, call, args, choices, expected != null);
  softseg.useKernels(choices[0]!);
  for (const relation of subject.relations ?? []) await checkRelation(subject, call, relation, first.values);
}

/** isArbitrary for arguments that may not be what it expects. */
function isKnownArbitrary(subject: Subject, args: Call['args']): boolean {
  try {
    return subject.arbitrary?.(args) ?? false;
  } catch {
    return false;
  }
}

const scaleOf = ({ scale = 1 }: Subject) => scale;

/** A looser tolerance for very many classes, whose sums tfjs computes one float32 after the other. */
function toleranceOf(subject: Subject, { args, wild }: Call, which: 'tolerance' | 'gradientTolerance'): number {
  const many = someTensor(args, ({ shape }) => shape.some((size) => size > MANY));
  // Invalid arguments should be refused; valid calls check the digits.
  const own = wild ? 1e-2 : (subject[which]?.(args) ?? 1e-5);
  return many ? Math.max(own, 1e-4) : own;
}

const MANY = 100;

async function outcomeOf(subject: Subject, args: unknown[], call: Call): Promise<Outcome> {
  counters.calls++;
  try {
    const result = invoke(subject, args);
    const values = read(isPromise(result) ? await result : result);
    counters.values++;
    return { values };
  } catch (error) {
    if (error instanceof Failure) throw error;
    counters.errors++;
    checkError(subject, call, error);
    return { error: error as Error };
  }
}

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

function invoke(subject: Subject, args: unknown[]): unknown {
  if (subject.invoke) return subject.invoke(args);
  return (softseg as unknown as Record<string, (...args: unknown[]) => unknown>)[subject.fn]!(...args);
}

/** The tensors and numbers in a result as arrays. The tensors are disposed. */
function read(result: unknown): NdArray[] {
  if (typeof result === 'number') return [{ shape: [], data: Float64Array.of(result) }];
  if (result instanceof tf.Tensor) {
    const array = { shape: (result as tf.Tensor).shape.slice(), data: Float64Array.from(result.dataSync()) };
    result.dispose();
    return [array];
  }
  if (Array.isArray(result) && result.every((each) => typeof each === 'number')) {
    return [{ shape: [result.length], data: Float64Array.from(result) }];
  }
  if (typeof result !== 'object' || result === null) return [];
  if (!Array.isArray(result) && Object.getPrototypeOf(result) !== Object.prototype) return [];
  return Object.values(result).flatMap(read);
}

function checkError(subject: Subject, call: Call, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (isOwnError(message)) return;
  const [, name] = /^(\w+)(?:(?:\.| of )\w+)?(?:\(\w+\))?: ./.exec(message) ?? [];
  const named =
    error instanceof Error && name !== undefined && (name === subject.fn || (subject.composite && EXPORTS.has(name)));
  if (!named) throw new Failure('raw error', `${message || '(no message)'}\n${stackOf(error)}`);
  if (!call.wild && !subject.mayRefuse && !isEmpty(call)) throw new Failure('refused', message);
}

/** A function may refuse tensors without values. */
const isEmpty = ({ args }: Call): boolean => someTensor(args, ({ shape }) => sizeOf(shape) === 0);

const isFinite = (args: Spec[]): boolean => !someTensor(args, ({ of }) => !of.every(Number.isFinite));

function someTensor(spec: Spec, is: (spec: TensorSpec) => boolean): boolean {
  if (isTensorSpec(spec)) return is(spec);
  const parts = Array.isArray(spec) ? (spec as Spec[]) : isPlainObject(spec) ? Object.values(spec) : [];
  return parts.some((part) => someTensor(part, is));
}

function stackOf(error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  const own = lines.filter((line) => /[/\\](src|native)[/\\]/.test(line) && !line.includes('node_modules'));
  return own.slice(0, 3).join('\n');
}

function checkSame(first: Outcome, other: Outcome, subject: Subject, call: Call): void {
  if ('error' in first || 'error' in other) {
    const [a, b] = [first, other].map((outcome) => ('error' in outcome ? outcome.error.message : 'a value'));
    if (a !== b) throw new Failure('kernels disagree', `one gives ${a}, the other ${b}`);
    return;
  }
  compare(
    'value',
    first.values,
    other.values,
    scaleOf(subject),
    'fused against composed',
    toleranceOf(subject, call, 'tolerance'),
  );
}

function checkValues(subject: Subject, call: Call, values: NdArray[]): void {
  if (call.wild ? !isFinite(call.args) : subject.nonFinite?.(call.args)) return;
  const [least, most] = call.wild ? [-Infinity, Infinity] : (subject.range?.(call.args) ?? rangeOf(subject.fn));
  for (const { data } of values) {
    const broken = subject.mayBeNaN ? undefined : data.find((value) => !Number.isFinite(value));
    if (broken !== undefined) throw new Failure('not finite', `${broken} in [${shown(data)}]`);
    // Rounding may move a sum of ratios past the end of its range.
    const slack = 1e-5 * Math.max(scaleOf(subject), 0);
    const outside = data.find((value) => value < least - slack || value > most + slack);
    if (outside !== undefined) throw new Failure('out of range', `${outside} outside [${least}, ${most}]`);
  }
}

/** Throws unless the arrays have equal shapes, and values within `tolerance` of the largest value or of the scale. */
function compare(
  what: string,
  actual: NdArray[],
  expected: NdArray[],
  scale: number,
  between: string,
  tolerance = 1e-5,
): void {
  if (actual.length !== expected.length)
    throw new Failure(`${what} differs`, `${actual.length} results for ${expected.length}, ${between}`);
  actual.forEach((array, i) => {
    const other = expected[i]!;
    if (array.shape.join() !== other.shape.join()) {
      throw new Failure(`${what} differs`, `shape [${array.shape.join()}] for [${other.shape.join()}], ${between}`);
    }
    let largest = scale;
    other.data.forEach((value, k) => {
      // Where the oracle has no value, the other value counts for the scale.
      const known = Number.isFinite(value) ? value : array.data[k]!;
      if (Number.isFinite(known)) largest = Math.max(largest, Math.abs(known));
    });
    const places = array.data.findIndex((value, k) => {
      const wanted = other.data[k]!;
      // The oracle has no value at a kink.
      if (Number.isNaN(wanted)) return what === 'value' && !Number.isNaN(value);
      return !(value === wanted || Math.abs(value - wanted) <= tolerance * largest);
    });
    if (places < 0) return;
    throw new Failure(
      `${what} differs`,
      `${array.data[places]} for ${other.data[places]} at ${places}, ${between}: ` +
        `[${shown(array.data)}] for [${shown(other.data)}]`,
    );
  });
}

const shown = (data: Float64Array) => [...data.slice(0, 8)].map((value) => Number(value.toPrecision(7))).join(', ');

async function withoutLeak<T>(run: () => Promise<T>, where: string): Promise<T> {
  const before = held();
  const result = await run();
  if (held() === before) return result;
  // The first call of a kind may keep tensors that later calls reuse.
  const [again] = [held(), await run()];
  const after = held();
  if (after !== again)
    throw new Failure(
      'leak',
      `${before} tensors and data before, ${again} after one call, ${after} after two, ${where}`,
    );
  return result;
}

function held(): string {
  return `${tf.memory().numTensors}/${(tf.backend() as unknown as { numDataIds(): number }).numDataIds()}`;
}

/** Checks the gradients with respect to predictions and labels. */
async function checkGradients(
  subject: Subject,
  call: Call,
  args: unknown[],
  choices: softseg.KernelChoice[],
  withOracle: boolean,
) {
  const places = subject.differentiable!(call.args).filter((place) => {
    const spec = call.args[place];
    return isTensorSpec(spec) && spec.tensor === 'float32' && sizeOf(spec.shape) > 0;
  });
  if (places.length === 0) return;
  const found: NdArray[][] = [];
  for (const choice of choices) {
    softseg.useKernels(choice);
    const where = `of gradients on ${softseg.kernelsInUse()} kernels`;
    found.push(await withoutLeak(async () => gradients(subject, args, places), where));
  }
  for (const [i, own] of found.entries()) {
    for (const { data } of own) {
      const broken = data.find((value) => !Number.isFinite(value));
      if (broken !== undefined)
        throw new Failure('gradient not finite', `${broken} in [${shown(data)}], ${choices[i]}`);
    }
  }
  const scale = 0.1 * scaleOf(subject);
  const tolerance = toleranceOf(subject, call, 'gradientTolerance');
  const kinks = subject.kinks?.(call.args);
  // NaN marks values that are not compared.
  const withoutKinks = (own: NdArray[]) =>
    kinks ? own.map(({ shape, data }) => ({ shape, data: data.map((value, k) => (kinks.has(k) ? NaN : value)) })) : own;
  const [first, other] = found as [NdArray[], NdArray[] | undefined];
  if (other) compare('gradient', first, withoutKinks(other), scale, 'fused against composed', tolerance);
  if (!withOracle || !(subject.smooth?.(call.args) ?? true)) return;
  const expected = oracleGradients(
    (own) => (subject.slopes ?? subject.oracle!)(own),
    call.args,
    places,
    subject.labels,
  );
  found.forEach((own, i) => compare('gradient', own, expected, scale, `${choices[i]} against the oracle`, tolerance));
}

/** A different factor for each entry, so that gradients of different entries differ. */
export const factorOf = (i: number) => 1 + 0.25 * (i % 5);

function gradients(subject: Subject, args: unknown[], places: number[]): NdArray[] {
  counters.calls++;
  counters.gradients++;
  const xs = places.map((place) => args[place] as tf.Tensor);
  let found: tf.Tensor[];
  try {
    found = tf.grads((...given: tf.Tensor[]) => {
      const own = args.slice();
      places.forEach((place, i) => (own[place] = given[i]));
      const value = invoke(subject, own) as tf.Tensor;
      const factors = Float32Array.from({ length: value.size }, (_, i) => factorOf(i));
      return tf.sum(tf.mul(value, tf.tensor(factors, value.shape)));
    })(xs);
  } catch (error) {
    throw new Failure('raw error', `in the gradient: ${(error as Error).message}\n${stackOf(error)}`);
  }
  return found.flatMap(read);
}

async function checkRelation(
  subject: Subject,
  call: Call,
  { name, other, back }: NonNullable<Subject['relations']>[number],
  values: NdArray[],
) {
  const another = other(call);
  if (!another) return;
  const args = materialize(another.args) as unknown[];
  try {
    const outcome = await outcomeOf(subject, args, another);
    if ('error' in outcome) return;
    compare('value', back ? back(outcome.values, call) : outcome.values, values, scaleOf(subject), name);
  } finally {
    tensorsIn(args).forEach((tensor) => tensor.dispose());
  }
}

function setValueChecks(on: boolean): void {
  softseg.checkValues(on ? 'always' : 'never');
}
