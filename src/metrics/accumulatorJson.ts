/**
 * Accumulators as plain data, written with a check value. JSON that is read may have been damaged on a disk, or made up
 * by an attacker, so each value is read exactly once, into a copy, and the copy is checked.
 */
import { entriesOf, fail, MOST_CLASSES_IN_PAIRS, show } from '../checks.js';
import { checksAnyValues } from '../checkValues.js';
import { ExactSum } from './exactSum.js';

/** The value of an option in the JSON. */
export type OptionValue = boolean | number | string | readonly (number | string)[];

/** Everything that an accumulator has seen, as `toJSON` returns it and `fromJSON` takes it. */
export type AccumulatorJson = {
  kind: string;
  version: 2;
  options: Record<string, OptionValue>;
  /** The number of classes; null before the first update. */
  classes: number | null;
  samples: number;
  /** Each sum, as a list of numbers that add up to it exactly; an empty list is 0. */
  sums: number[][];
  /** A hash of all other fields, by which `fromJSON` detects damage. */
  check: number;
};

type Unchecked = Omit<AccumulatorJson, 'version' | 'check'>;

const VERSION = 2;
const FIELDS = ['kind', 'version', 'options', 'classes', 'samples', 'sums', 'check'];

/** The value written for an activation that is a function. */
export const FUNCTION = 'function';

/** The largest number of sums that an accumulator may have: that of the largest confusion matrix. */
const MOST_SUMS = MOST_CLASSES_IN_PAIRS ** 2;
/**
 * The largest number of parts of a sum: each part holds 53 bits, and the doubles span about 2100 binary places in all.
 */
const MOST_PARTS = 40;
/** Larger than any float32. */
const LARGEST_FLOAT = 2 ** 128;

/** Adds the version and the check value to the state. */
export function writtenJson(state: Unchecked): AccumulatorJson {
  const { kind, ...rest } = state;
  return { kind, version: VERSION, ...rest, check: checkOf(state) };
}

/** Copies the fields. Only kind, version and the names of the fields are checked here. */
export function readFields(kind: string, json: unknown): Record<string, unknown> {
  const fields = copyOf(json);
  if (typeof json === 'string') {
    fail(`takes the result of toJSON, got a string: pass JSON.parse(text), not the text itself`);
  }
  if (fields?.['kind'] === kind && fields['version'] === 1) {
    fail('takes version 2, got version 1 of an older softseg, which has no check value: update with the data again');
  }
  if (fields?.['kind'] !== kind || fields['version'] !== VERSION) {
    const got = fields ? `kind ${show(fields['kind'])}, version ${show(fields['version'])}` : show(json);
    fail(`takes the result of toJSON of a ${kind} (version ${VERSION}), got ${got}`);
  }
  for (const name of Object.keys(fields)) {
    if (!FIELDS.includes(name)) fail(`knows the fields ${FIELDS.join(', ')}, got ${show(name)} among them`);
  }
  return fields;
}

/**
 * Copies the options that are set. Each must be a plain value or a list of plain values, because JSON keeps nothing
 * else.
 */
export function plainOptions(options: unknown): Record<string, OptionValue> {
  const given = copyOf(options);
  if (!given) fail(`options must be an object, got ${show(options)}`);
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const plain = entries.map(([name, value]) => {
    const list = entriesOf(value);
    if (!(list ?? [value]).every(isPlain)) {
      fail(`option ${show(name)} must be a plain value or a list of plain values, got ${show(value)}`);
    }
    return [name, list ?? value] as [string, OptionValue];
  });
  return Object.fromEntries(plain);
}

interface ReadSums {
  sums: ExactSum[];
  written: number[][];
}

/**
 * Reads `count` sums, each of at most `samples` float32 values. A sum has exactly one valid written form, that of
 * `toJSON`.
 */
export function readSums(value: unknown, count: number, samples: number): ReadSums {
  const given = entriesOf(value, Math.min(count, MOST_SUMS));
  if (given?.length !== count) fail(`sums must be a list of ${count} lists of numbers, got ${show(value)}`);
  const most = samples * LARGEST_FLOAT;
  const all: ReadSums = { sums: [], written: [] };
  given.forEach((own, i) => {
    const parts = entriesOf(own, MOST_PARTS) as number[] | null;
    const numbers = parts?.every((part) => typeof part === 'number' && Math.abs(part) <= most);
    const sum = ExactSum.of(numbers ? parts! : []);
    const written = sum.toJSON();
    if (!numbers || written.length !== parts!.length || written.some((part, k) => part !== parts![k])) {
      const rule = 'must be a list of finite numbers that do not overlap, the largest first, as toJSON writes a sum';
      fail(`sums[${i}] ${rule}, got ${show(own)}`);
    }
    all.sums.push(sum);
    all.written.push(written);
  });
  return all;
}

/** How far rounding may push a sum out of its range, as a share of the scale given. */
const TOLERANCE = 1e-3;
/** Weights about as small as this have only a few digits in float32. */
const SMALL = 1e-30;

/** Throws if a sum is outside the range that valid labels, predictions and masks allow, unless value checks are off. */
export function checkSum(name: string, value: number, [least, most]: readonly [number, number], scale: number): void {
  const slack = TOLERANCE * scale + SMALL;
  if (!checksAnyValues() || (value >= least - slack && value <= most + slack)) return;
  const rule = most < Infinity ? `lie in [${least}, ${most}]` : `be >= ${least}`;
  fail(`${name} must ${rule}, unless checkValues('never') allows other values, got ${value}`);
}

/** Throws if the check value does not match the other fields. */
export function checkWritten(json: Unchecked, check: unknown): void {
  const expected = checkOf(json);
  if (check !== expected) {
    fail(`check must be ${expected}, the hash of all other fields, got ${show(check)}: the JSON is damaged`);
  }
}

/**
 * The hash cyrb53 of all fields, independent of the order of the options. It has 53 bits, which a JSON number keeps.
 */
export function checkOf({ kind, options, classes, samples, sums }: Unchecked): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  const add = (value: unknown) => {
    const text = `${JSON.stringify(value)};`;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 2654435761);
      b = Math.imul(b ^ code, 1597334677);
    }
  };
  [kind, VERSION, Object.entries(options).sort(byName), classes, samples].forEach(add);
  sums.forEach(add);
  const mixed = (x: number, y: number) => Math.imul(x ^ (x >>> 16), 2246822507) ^ Math.imul(y ^ (y >>> 13), 3266489909);
  a = mixed(a, b);
  b = mixed(b, a);
  return 2 ** 32 * (b & 0x1fffff) + (a >>> 0);
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

const isPlain = (value: unknown): boolean =>
  typeof value === 'boolean' || typeof value === 'string' || Number.isFinite(value);

/** An object's own entries, read once; null for anything else, lists included, and for objects that throw when read. */
function copyOf(value: unknown): Record<string, unknown> | null {
  try {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? Object.fromEntries(Object.entries(value)) : null;
  } catch {
    return null;
  }
}
