/**
 * Checks of what users pass: shapes, dtypes and options, never tensor values (see checkValues.ts for those). Every
 * message names the function, the rule and what was received.
 */
import type { DataType, Tensor } from '@tensorflow/tfjs-core';

/** Throws `fn: message`. */
export function fail(fn: string, message: string): never {
  throw new Error(`${fn}: ${message}`);
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  if (isTensor(value)) return `a ${value.dtype} tensor of shape ${showShape(value.shape)}`;
  if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}`;
  if (typeof value === 'number' || value === undefined) return String(value);
  return JSON.stringify(value);
}

export function showShape(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

/** What `instanceof tf.Tensor` asks. (This file is also used where tfjs may be missing.) */
function isTensor(value: unknown): value is Tensor {
  const { data, dataSync, throwIfDisposed } = (value ?? {}) as Partial<Tensor> & { throwIfDisposed?: unknown };
  return data != null && dataSync != null && throwIfDisposed != null;
}

export function checkTensor(fn: string, name: string, value: unknown): asserts value is Tensor {
  if (!isTensor(value)) fail(fn, `${name} must be a tf.Tensor, got ${show(value)}`);
  if (value.isDisposed) fail(fn, `${name} ${showShape(value.shape)} is a disposed tensor`);
}

export function checkDtype(fn: string, name: string, tensor: Tensor, dtypes: readonly DataType[]): void {
  if (!dtypes.includes(tensor.dtype)) fail(fn, `${name} must be ${dtypes.join(' or ')}, got ${tensor.dtype}`);
}

/**
 * Refuses anything but an object, names the function does not know, and null: only `undefined` stands for an option that
 * is not given, and only `undefined` as a whole for no options. `nullable` are options of which null is a value.
 */
export function checkOptionNames(
  fn: string,
  options: unknown,
  known: readonly string[],
  nullable: readonly string[] = [],
): void {
  if (typeof options !== 'object' || options === null || isTensor(options) || Array.isArray(options)) {
    fail(fn, `options must be an object, got ${show(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) fail(fn, `unknown option '${name}'; it takes ${known.join(', ')}`);
    if (value === null && !nullable.includes(name)) {
      fail(fn, `${name} must not be null; leave an option out, or pass undefined, for its default`);
    }
  }
}

export function checkOneOf(fn: string, name: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    fail(fn, `${name} must be ${allowed.map((v) => `'${v}'`).join(', ')}, got ${show(value)}`);
  }
}

export function checkBoolean(fn: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') fail(fn, `${name} must be true or false, got ${show(value)}`);
}

/** A finite number from `least`, or above it with `open`, to `most`. */
export function checkNumber(
  fn: string,
  name: string,
  value: unknown,
  { least = -Infinity, most = Infinity, open = false }: { least?: number; most?: number; open?: boolean } = {},
): void {
  const ok =
    typeof value === 'number' && Number.isFinite(value) && (open ? value > least : value >= least) && value <= most;
  if (ok) return;
  const range =
    most < Infinity
      ? `a number in ${open ? '(' : '['}${least}, ${most}]`
      : least > -Infinity
        ? `a number ${open ? '>' : '>='} ${least}`
        : 'a finite number';
  fail(fn, `${name} must be ${range}, got ${show(value)}`);
}

export function checkInteger(fn: string, name: string, value: unknown, least: number): void {
  if (!Number.isInteger(value) || (value as number) < least) {
    fail(fn, `${name} must be an integer >= ${least}, got ${show(value)}`);
  }
}

/** The axis counted from the front. `first` is the lowest axis that may be meant. */
export function checkAxis(fn: string, axis: unknown, shape: readonly number[], name = 'axis', first = 0): number {
  const rank = shape.length;
  const front = typeof axis === 'number' && axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(front) || (front as number) < first || (front as number) >= rank) {
    const range = first === 0 ? `-${rank}..${rank - 1}` : `${first}..${rank - 1} or ${first - rank}..-1`;
    fail(fn, `${name} must be an integer in ${range} for shape ${showShape(shape)}, got ${show(axis)}`);
  }
  return front as number;
}

/** C finite numbers >= 0. */
export function checkClassWeights(fn: string, name: string, value: unknown, classes: number): void {
  if (!Array.isArray(value) || value.length !== classes) {
    fail(fn, `${name} must be a list of ${classes} numbers, one per class, got ${show(value)}`);
  }
  value.forEach((weight, c) => checkNumber(fn, `${name}[${c}]`, weight, { least: 0 }));
}

export function checkClassList(fn: string, value: unknown, classes: number): void {
  if (value === 'all') return;
  const ok =
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every((c) => Number.isInteger(c) && c >= 0 && c < classes);
  if (!ok) {
    fail(fn, `classes must be 'all' or a list of different class indices in 0..${classes - 1}, got ${show(value)}`);
  }
}
