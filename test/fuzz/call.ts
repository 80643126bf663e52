/** A fuzzed call as plain data, so that it can be printed, pasted into a test and run again. */
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../support/allEntries.js';
import * as reference from '../reference/index.js';
import { sizeOf, type NdArray } from '../reference/index.js';
import { entmax15, sparsemax } from '../reference/entmax.js';
import { hostileValue, twice, type HostileName } from './hostileValues.js';
import { instanceNamed, type InstanceName } from './instances.js';

/** A tensor whose values are the list `of`, repeated until the shape is full. */
export interface TensorSpec {
  tensor: 'float32' | 'int32' | 'bool';
  shape: number[];
  of: number[];
  /** The values are float64; only the oracle takes them so. */
  exact?: true;
}

/** A function that is passed as an argument, by name: see CALLBACKS. */
export interface CallbackSpec {
  callback: keyof typeof CALLBACKS;
}

/** An object that is passed as an argument, by name: see instances.ts. */
interface InstanceSpec {
  instance: InstanceName;
}

/** A value that no function expects, by name: see hostileValues.ts. */
interface HostileSpec {
  hostile: HostileName;
}

/** An argument as plain data, in which tensors, functions and hostile values are specs. */
export type Spec = unknown;

export interface Call {
  fn: string;
  args: Spec[];
  /** Value checks are on. */
  checked?: boolean;
  /** The arguments need not be valid, so an error is also a correct answer. */
  wild?: boolean;
}

const CALLBACKS = {
  softmax: (x: tf.Tensor) => tf.softmax(x),
  sparsemax: (x: tf.Tensor) => softseg.sparsemax(x),
  entmax15: (x: tf.Tensor) => softseg.entmax15(x),
  softOneHot: (x: tf.Tensor) => softseg.softOneHot(x),
  softThreshold: (x: tf.Tensor) => softseg.softThreshold(x),
  iouLoss: softseg.iouLoss,
  diceLoss: softseg.diceLoss,
  comboLoss: softseg.comboLoss,
  crossEntropyLoss: softseg.crossEntropyLoss,
  focalLoss: softseg.focalLoss,
  iouScore: softseg.iouScore,
  identity: (x: tf.Tensor) => tf.clone(x),
  double: twice,
  ownLoss: (labels: tf.Tensor, predictions: tf.Tensor) => tf.mean(tf.squaredDifference(labels, predictions)),
  constant: () => 0.25,
  stepByStep: (step: number) => 0.25 + step,
} as const;

/** Float64 versions of the callbacks that are activations. */
const REFERENCE_CALLBACKS: Partial<Record<keyof typeof CALLBACKS, (x: NdArray) => NdArray>> = {
  softmax: (x) => reference.softOneHot(x),
  sparsemax: (x) => sparsemax(x),
  entmax15: (x) => entmax15(x),
  softOneHot: (x) => reference.softOneHot(x),
  softThreshold: (x) => reference.softThreshold(x),
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export const isTensorSpec = (value: unknown): value is TensorSpec =>
  isObject(value) && 'tensor' in value && 'of' in value;
export const isCallback = (value: unknown): value is CallbackSpec => isObject(value) && 'callback' in value;
const isHostile = (value: unknown): value is HostileSpec => isObject(value) && 'hostile' in value;
const isInstance = (value: unknown): value is InstanceSpec => isObject(value) && 'instance' in value;
const isSpec = (value: unknown): boolean => [isTensorSpec, isCallback, isHostile, isInstance].some((is) => is(value));
export const isPlainObject = (value: unknown): value is Record<string, Spec> =>
  isObject(value) && !Array.isArray(value) && !isSpec(value);

/** The values of a tensor, rounded to its dtype. */
export function valuesOf({ tensor, shape, of, exact }: TensorSpec): number[] {
  const rounded = exact ? of : of.map((value) => (tensor === 'float32' ? Math.fround(value) : Math.trunc(value)));
  return Array.from({ length: sizeOf(shape) }, (_, i) => rounded[i % rounded.length] ?? 0);
}

function toTensorOf(spec: TensorSpec): tf.Tensor {
  const values = valuesOf(spec);
  const typed = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[spec.tensor];
  return tf.tensor(typed.from(values), spec.shape, spec.tensor);
}

/** The array for the oracle: int32 keeps its dtype, and bool becomes 0 and 1. */
function toNdArray(spec: TensorSpec): NdArray {
  const array = { shape: [...spec.shape], data: Float64Array.from(valuesOf(spec)) };
  return spec.tensor === 'int32' ? { ...array, dtype: 'int32' } : array;
}

/** The value of a spec as the function gets it. Tensors are made once per call and belong to the caller. */
export function materialize(spec: Spec): unknown {
  if (isTensorSpec(spec)) return toTensorOf(spec);
  if (isCallback(spec)) return CALLBACKS[spec.callback];
  if (isHostile(spec)) return hostileValue(spec.hostile);
  if (isInstance(spec)) return instanceNamed(spec.instance);
  if (Array.isArray(spec)) return spec.map(materialize);
  if (isPlainObject(spec)) return mapObject(spec, materialize);
  return spec;
}

/** The value of a spec as the oracle gets it. */
export function forOracle(spec: Spec): unknown {
  if (isTensorSpec(spec)) return toNdArray(spec);
  if (isCallback(spec)) return REFERENCE_CALLBACKS[spec.callback];
  if (Array.isArray(spec)) return spec.map(forOracle);
  if (isPlainObject(spec)) return mapObject(spec, forOracle);
  return spec;
}

export function mapObject<T>(
  object: Record<string, T>,
  f: (value: T, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value, key)]));
}

/** All tensors in a materialized value, including those in hostile values. */
export function tensorsIn(value: unknown, depth = 0): tf.Tensor[] {
  try {
    if (value instanceof tf.Tensor) return [value as tf.Tensor];
    if (!isObject(value) || depth > 4) return [];
    if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return [];
    return Object.values(value as Record<string, unknown>).flatMap((each) => tensorsIn(each, depth + 1));
  } catch {
    return []; // the object is hostile
  }
}

/** The call as code for a reader. */
export function asCode({ fn, args }: Call): string {
  return `${fn}(${args.map(code).join(', ')})`;
}

function code(spec: Spec): string {
  if (isTensorSpec(spec)) {
    const values = sizeOf(spec.shape) <= 128 ? valuesOf(spec) : spec.of;
    const repeated = values.length < sizeOf(spec.shape) ? ' repeated' : '';
    return `tf.tensor([${values.map(number).join(',')}${repeated}], [${spec.shape.join(',')}], '${spec.tensor}')`;
  }
  if (isCallback(spec)) return spec.callback;
  if (isHostile(spec)) return `<${spec.hostile}>`;
  if (isInstance(spec)) return `<${spec.instance}>`;
  if (Array.isArray(spec)) return `[${spec.map(code).join(', ')}]`;
  if (isPlainObject(spec)) {
    const entries = Object.entries(spec).map(([key, value]) => `${key}: ${code(value)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return typeof spec === 'number' ? number(spec) : (JSON.stringify(spec) ?? String(spec));
}

/** The call as a line of the regression tests. */
export function asLine({ fn, args, checked, wild }: Call): string {
  const flags = `${checked ? ', checked: true' : ''}${wild ? ', wild: true' : ''}`;
  return `{ fn: '${fn}', args: [${args.map(literal).join(', ')}]${flags} },`;
}

function literal(spec: Spec): string {
  if (Array.isArray(spec)) return `[${spec.map(literal).join(', ')}]`;
  if (isObject(spec)) {
    const entries = Object.entries(spec).map(([key, value]) => `${key}: ${literal(value)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  if (typeof spec === 'string') return `'${spec}'`;
  return typeof spec === 'number' ? number(spec) : String(spec);
}

const number = (value: number) => (Object.is(value, -0) ? '-0' : String(value));
