/**
 * Checks of arguments: shapes, dtypes and options, but not tensor values (see checkValues.ts for those). Every message
 * says the rule and the value received; the name of the function is added by argumentError.ts.
 */
import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import { ArgumentError, withName } from './argumentError.js';
import { visibleLine } from './visibleText.js';

/** Throws an ArgumentError. The message gets the name of the running function, and has no control characters. */
export function fail(message: string): never {
  throw withName(new ArgumentError(message));
}

/** The most items of a list or an object, and the most characters of a string, that a message shows. */
const SHOWN_ITEMS = 10;
const SHOWN_CHARACTERS = 60;
/** Lists and objects inside of lists and objects are shown to this depth. */
const SHOWN_DEPTH = 3;

/** A short text for any value, for error messages. It never throws. */
export function show(value: unknown): string {
  return visibleLine(shown(value, SHOWN_DEPTH));
}

function shown(value: unknown, depth: number): string {
  try {
    switch (typeof value) {
      case 'string':
        return shortened(value, JSON.stringify);
      case 'bigint':
        return value > -1e20 && value < 1e20 ? `${value}n` : 'a large bigint';
      case 'symbol':
        return shortened(String(value));
      case 'function':
        return `the function ${shortened(value.name) || '(anonymous)'}`;
      case 'object':
        return value === null ? 'null' : shownObject(value, depth);
      default:
        return String(value);
    }
  } catch {
    // A proxy or a getter that throws.
    return 'a value that cannot be read';
  }
}

function shortened(text: string, quote = (part: string): string => part): string {
  if (text.length <= SHOWN_CHARACTERS) return quote(text);
  return `${quote(text.slice(0, SHOWN_CHARACTERS))}... (${text.length} characters)`;
}

function shownObject(value: object, depth: number): string {
  if (isTensor(value)) return `a ${value.dtype} tensor of shape ${showShape(value.shape)}`;
  const typed = ArrayBuffer.isView(value) && !(value instanceof DataView);
  if (typed || Array.isArray(value)) {
    const list = value as ArrayLike<unknown>;
    const kind = typed ? `${value.constructor.name} ` : '';
    return kind + shownItems('[', ']', list.length, depth, (i, inside) => shown(list[i], inside));
  }
  const keys = Object.keys(value);
  const entry = (i: number, inside: number) => {
    const key = keys[i]!;
    return `${shortened(key, JSON.stringify)}:${shown((value as Record<string, unknown>)[key], inside)}`;
  };
  return shownItems('{', '}', keys.length, depth, entry);
}

function shownItems(
  open: string,
  close: string,
  count: number,
  depth: number,
  item: (i: number, depth: number) => string,
): string {
  if (count > 0 && depth === 0) return `${open}...${close}`;
  const items = Array.from({ length: Math.min(count, SHOWN_ITEMS) }, (_, i) => item(i, depth - 1));
  const rest = count > SHOWN_ITEMS ? `,... (${count} in all)` : '';
  return open + items.join(',') + rest + close;
}

export function showShape(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

/** The same duck-typing test as tfjs's own `instanceof`, because this file is also used where tfjs may be missing. */
function isTensor(value: unknown): value is Tensor {
  try {
    const given = (value ?? {}) as Partial<Tensor> & { throwIfDisposed?: unknown };
    const { data, dataSync, throwIfDisposed, shape } = given;
    // Some proxies have every property that is asked for, but none of them is a list, as a shape is.
    return data != null && dataSync != null && throwIfDisposed != null && Array.isArray(shape);
  } catch {
    // A proxy or a getter that throws.
    return false;
  }
}

/** The longest list that an option may be. */
const LONGEST_LIST = 1e7;

/**
 * The entries of a plain array, with `undefined` for its holes. Null for anything else: typed arrays, lists longer than
 * `longest`, and objects that throw when they are read.
 */
export function entriesOf(value: unknown, longest = LONGEST_LIST): unknown[] | null {
  try {
    if (!Array.isArray(value)) return null;
    const list: readonly unknown[] = value;
    const { length } = list; // read once, because a proxy may give another length the next time
    return length <= longest ? Array.from({ length }, (_, i) => list[i]) : null;
  } catch {
    return null;
  }
}

export function checkTensor(name: string, value: unknown): asserts value is Tensor {
  if (!isTensor(value)) fail(`${name} must be a tf.Tensor, got ${show(value)}`);
  if (value.isDisposed) fail(`${name} ${showShape(value.shape)} is a disposed tensor`);
}

export function checkDtype(name: string, tensor: Tensor, dtypes: readonly DataType[]): void {
  if (!dtypes.includes(tensor.dtype)) fail(`${name} must be ${dtypes.join(' or ')}, got ${tensor.dtype}`);
}

/**
 * Refuses options that are not an object, unknown names, options that throw when they are read, and null: only
 * `undefined` stands for an option that is not given, or for no options at all. null is allowed for the options named
 * in `nullable`.
 */
export function checkOptionNames(options: unknown, known: readonly string[], nullable: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null || isTensor(options) || entriesOf(options)) {
    fail(`options must be an object, got ${show(options)}`);
  }
  for (const [name, value] of optionsOf(options, known)) {
    if (!known.includes(name)) {
      fail(`unknown option ${shortened(name, (part) => `'${part}'`)}; it takes ${known.join(', ')}`);
    }
    if (value === null && !nullable.includes(name)) {
      fail(`${name} must not be null; leave an option out, or pass undefined, for its default`);
    }
  }
}

/** The names and values of the properties of an object. Refuses one with properties or known options that throw. */
function optionsOf(options: object, known: readonly string[]): [string, unknown][] {
  try {
    for (const name of known) void (options as Record<string, unknown>)[name];
    return Object.entries(options);
  } catch {
    fail('options must be an object whose properties can be read, got one that throws');
  }
}

export function checkOneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    fail(`${name} must be ${allowed.map((v) => `'${v}'`).join(', ')}, got ${show(value)}`);
  }
}

export function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') fail(`${name} must be true or false, got ${show(value)}`);
}

/**
 * The largest absolute value of a number in an option. Larger ones, or products of them, may be Infinity in float32.
 */
export const LARGEST_NUMBER = 1e18;
/** The smallest distance to an open bound, and the smallest class weight above 0. Products of smaller ones may be 0. */
const SMALLEST_NUMBER = 1e-18;

interface NumberRange {
  least?: number;
  most?: number;
  /** True if the number must be above `least`, and not equal to it. */
  open?: boolean;
}

/** Refuses everything except numbers from `least` (with `open`: above it) to `most` whose size suits float32. */
export function checkNumber(
  name: string,
  value: unknown,
  { least = -Infinity, most = Infinity, open = false }: NumberRange = {},
): void {
  const ok =
    typeof value === 'number' && Number.isFinite(value) && (open ? value > least : value >= least) && value <= most;
  if (!ok) {
    const range =
      most < Infinity
        ? `a number in ${open ? '(' : '['}${least}, ${most}]`
        : least > -Infinity
          ? `a number ${open ? '>' : '>='} ${least}`
          : 'a finite number';
    fail(`${name} must be ${range}, got ${show(value)}`);
  }
  if (Math.abs(value) > LARGEST_NUMBER) {
    fail(`${name} must be at most ${LARGEST_NUMBER} in size (losses are computed in float32), got ${value}`);
  }
  if (open && value - least < SMALLEST_NUMBER) {
    fail(`${name} must be at least ${SMALLEST_NUMBER} above ${least} (losses are computed in float32), got ${value}`);
  }
}

/** Refuses factors of a term whose product is too large, although each of them may be in range. */
export function checkProduct(names: string, product: number): void {
  if (!(product <= LARGEST_NUMBER)) {
    fail(`the product of ${names} must be at most ${LARGEST_NUMBER} (losses are computed in float32), got ${product}`);
  }
}

export function checkInteger(name: string, value: unknown, least: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    fail(`${name} must be an integer >= ${least}, got ${show(value)}`);
  }
}

/** The most classes, bins or tiles. A larger number is a mistake, and would take all memory. */
export const MOST_COUNTED = 2 ** 20;
/** The most classes of a function that keeps a number for each pair of classes. */
export const MOST_CLASSES_IN_PAIRS = 4096;

/** Checks a number of things that are kept in memory, so that an absurd number is an error and not a crash. */
export function checkCount(name: string, value: unknown, least: number, most = MOST_COUNTED): void {
  const tooMany = typeof value === 'number' && value > most;
  if (!Number.isInteger(value) || (value as number) < least || tooMany) {
    const range = tooMany ? `an integer in ${least}..${most}` : `an integer >= ${least}`;
    fail(`${name} must be ${range}, got ${show(value)}`);
  }
}

/**
 * Checks a value that marks entries of labels. If the labels are integers, `integers` names their kind for the message.
 */
export function checkLabelValue(name: string, value: unknown, integers: string | null): void {
  checkNumber(name, value);
  if (integers && !Number.isInteger(value)) fail(`${name} must be an integer for ${integers}, got ${show(value)}`);
}

/** Checks the value that marks pixels at which an annotator did not look. */
export function checkAbsentLabel(absentLabel: unknown, masks: Tensor): void {
  checkLabelValue('absentLabel', absentLabel, masks.dtype === 'float32' ? null : `${masks.dtype} masks`);
}

/** Refuses a tensor without values, which has an axis of size 0. */
export function checkHoldsValues(name: string, { shape, size }: Tensor): void {
  if (size === 0) fail(`${name} of shape ${showShape(shape)} ${name.endsWith('s') ? 'hold' : 'holds'} no value`);
}

declare const fromTheFront: unique symbol;
declare const notTheBatch: unique symbol;

/**
 * An axis that a tensor has, counted from the front. An option may be -1 or not an axis at all, so it is not an `Axis`;
 * only the functions below make one of it. The literal 2 is one too, because it is the class axis of [N,P,C].
 */
export type Axis = 2 | (number & { readonly [fromTheFront]: true });
/** An axis that may be the class axis: not 0, which is the batch. */
export type ClassAxis = 2 | (number & { readonly [fromTheFront]: true; readonly [notTheBatch]: true });

/**
 * The axis that an option names in a tensor of that rank, counted from the front; null if it is not from `first` on.
 */
export function axisFromFront(axis: unknown, rank: number, first: 1): ClassAxis | null;
export function axisFromFront(axis: unknown, rank: number, first: 0 | 1): Axis | null;
export function axisFromFront(axis: unknown, rank: number, first: 0 | 1): Axis | null {
  const front = typeof axis === 'number' && axis < 0 ? axis + rank : axis;
  const isAxis = Number.isInteger(front) && (front as number) >= first && (front as number) < rank;
  return isAxis ? (front as Axis) : null;
}

/** The axis that an option names in a tensor of that shape, counted from the front; refused if not from `first` on. */
export function checkAxis(axis: unknown, shape: readonly number[], name: string, first: 1): ClassAxis;
export function checkAxis(axis: unknown, shape: readonly number[], name?: string): Axis;
export function checkAxis(axis: unknown, shape: readonly number[], name = 'axis', first: 0 | 1 = 0): Axis {
  const rank = shape.length;
  const front = axisFromFront(axis, rank, first);
  if (front === null) {
    const range = first === 0 ? `-${rank}..${rank - 1}` : `${first}..${rank - 1} or ${first - rank}..-1`;
    fail(`${name} must be an integer in ${range} for shape ${showShape(shape)}, got ${show(axis)}`);
  }
  return front;
}

/**
 * Checks a list of numbers, and returns them. Typed arrays are refused. A hole counts as `undefined`, which is not a
 * number.
 *
 * @param wanted the description of the list for the message
 */
export function checkNumberList(
  name: string,
  value: unknown,
  wanted: string,
  length: number,
  range: NumberRange,
): number[] {
  const entries = entriesOf(value);
  if (entries?.length !== length) fail(`${name} must be ${wanted}, got ${show(value)}`);
  entries.forEach((entry, i) => checkNumber(`${name}[${i}]`, entry, range));
  return entries as number[];
}

/** Refuses anything but C numbers >= 0, and numbers above 0 that are so small that float32 may round products to 0. */
export function checkClassWeights(name: string, value: unknown, classes: number): void {
  const wanted = `a list of ${classes} numbers, one per class`;
  checkNumberList(name, value, wanted, classes, { least: 0 }).forEach((weight, c) => {
    if (weight > 0 && weight < SMALLEST_NUMBER) {
      fail(`${name}[${c}] must be 0 or at least ${SMALLEST_NUMBER} (losses are computed in float32), got ${weight}`);
    }
  });
}

export function checkClassList(value: unknown, classes: number): void {
  if (value === 'all') return;
  const entries = entriesOf(value);
  const ok =
    entries &&
    entries.length > 0 &&
    new Set(entries).size === entries.length &&
    entries.every((c) => Number.isInteger(c) && (c as number) >= 0 && (c as number) < classes);
  if (!ok) {
    fail(`classes must be 'all' or a list of different class indices in 0..${classes - 1}, got ${show(value)}`);
  }
}
